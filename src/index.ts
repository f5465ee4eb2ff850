export type { Clock, Timer } from './clock.js';
export type {
  GatewayConfig,
  Origin,
  PerCallerConfig,
  PoolConfig,
  RouteConfig,
  ValueOrigin,
} from './config/config.js';
export { type ConfigLine, describeConfig, formatConfig } from './config/describe.js';
export type {
  DisconnectPolicy,
  GatewayOptions,
  Mode,
  PerCallerOptions,
  PoolOptions,
  PoolProfile,
  RouteOptions,
} from './config/options.js';
export { ConfigError, type ConfigProblem } from './config/problem.js';
export type { Environment } from './config/reading.js';
export { resolveConfig } from './config/resolve.js';
export type { AdviceReason, PoolAdvice } from './core/advisor.js';
export type { Diagnosis, Fault } from './core/diagnosis.js';
export type { MemberReply, MemberReport } from './core/fleet-book.js';
export type { ServerNeed, ServerShare } from './core/fleet-share.js';
export type { ServerFigures } from './core/pool-figures.js';
export { PRIORITY_CLASSES, type PriorityClass } from './core/priority.js';
export type { SeatHog } from './core/seat-hogs.js';
export {
  ERROR_CODES,
  type ErrorCode,
  isSluiceError,
  type Measured,
  type Outcome,
  type Refusal,
  SluiceError,
  type SluiceErrorInit,
} from './errors.js';
export { BookKeeper } from './fleet/book-keeper.js';
export type { RedisClient } from './fleet/redis-link.js';
export type { Registry } from './fleet/registry.js';
export type { SluiceClient, SluiceConnection, Statement } from './gateway/borrowed-client.js';
export { OverBudgetError } from './gateway/budget-check.js';
export { type Chunk, ChunkError, type ChunkedRun, type ChunkOptions } from './gateway/chunked-run.js';
export { type DiagnoseOptions, diagnosePools } from './gateway/diagnose.js';
export type { DrainableServer, DrainOptions } from './gateway/drain.js';
export { AnsweredError, ClientGoneError, FailedTransactionError, TransactionControlError } from './gateway/failures.js';
export type { DrainableResponse } from './gateway/last-requests.js';
export type { LiveChange, LiveChanges, LiveSetting } from './gateway/live-changes.js';
export type { LiveValue } from './gateway/live-fields.js';
export { MissingRightsError } from './gateway/login-check.js';
export { PoolerModeError } from './gateway/pooler-mode.js';
export type { Readiness } from './gateway/readiness.js';
export type { RequestHandle } from './gateway/request-handle.js';
export type { RetryableTransactionOptions, RetryOptions } from './gateway/retry-options.js';
export type { RunOptions } from './gateway/run-work.js';
export type { GatewaySurroundings } from './gateway/surroundings.js';
export { createGateway, type Gateway } from './gateway.js';
export { type QueryResult, ResultTooLargeError, type TransactionOptions } from './pools/contract.js';
export { ImplicitCommitError } from './pools/implicit-commit.js';
export {
  type LoginChange,
  LoginSettingError,
  type PasswordSource,
  type RotateOptions,
  RotationRefusedError,
} from './pools/login.js';
export { SessionStateError } from './pools/session-guard.js';
export type {
  AcquireMessage,
  AdmissionMessage,
  AdmissionResult,
  AnswerMessage,
  ChannelMessages,
  ChannelName,
  ConnectMessage,
  EndMessage,
  QueryMessage,
  QueuedMessage,
  ReleaseMessage,
  RequestMessage,
} from './telemetry/channels.js';
export type { Logger, LogWrite } from './telemetry/log.js';
export type { LogCode } from './telemetry/log-code.js';
export { LOG_CODES } from './telemetry/log-codes.js';
export type {
  HistogramLike,
  InstrumentOptions as MeasureOptions,
  MeterLike,
  ObservableLike,
  ObservableResultLike,
  SpanLike,
  SpanOptionsLike,
  TracerLike,
} from './telemetry/open-telemetry/api.js';
export { type Instrumented, type InstrumentOptions, instrument } from './telemetry/open-telemetry/instrument.js';
export type { CodeCounts, RouteOutcome } from './telemetry/route-stats.js';
export type { HistogramSnapshot, PoolSnapshot, RouteSnapshot, Snapshot, TuningSnapshot } from './telemetry/snapshot.js';
export type {
  CircuitTelemetry,
  ConnectionGauges,
  FleetTelemetry,
  LaneGauges,
  OwnSeats,
  RetryOutcome,
} from './telemetry/source.js';
