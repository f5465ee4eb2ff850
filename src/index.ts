export type { Clock, Timer } from './clock.js';
export type { GatewayConfig, PoolConfig, RouteConfig } from './config/config.js';
export { type ConfigLine, describeConfig, formatConfig } from './config/describe.js';
export type { GatewayOptions, PerCallerOptions, PoolOptions, RouteOptions } from './config/options.js';
export { ConfigError, type ConfigProblem } from './config/problem.js';
export { resolveConfig } from './config/resolve.js';
export { PRIORITY_CLASSES, type PriorityClass } from './core/priority.js';
export {
  ERROR_CODES,
  type ErrorCode,
  isSluiceError,
  type Measured,
  type Outcome,
  type Refusal,
  SluiceError,
} from './errors.js';
export type { SluiceClient, SluiceConnection, Statement } from './gateway/borrowed-client.js';
export type { DrainableServer, DrainOptions } from './gateway/drain.js';
export { ClientGoneError } from './gateway/failures.js';
export type { RequestHandle } from './gateway/request-handle.js';
export type { RunOptions } from './gateway/run-work.js';
export { createGateway, type Gateway, type GatewaySurroundings, type Readiness } from './gateway.js';
export type { QueryResult, TransactionOptions } from './pools/contract.js';
export type { Logger } from './telemetry/log.js';
