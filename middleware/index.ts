export type { MetricsOptions } from '../src/telemetry/metrics.js';
export { type BoundableServer, boundClients } from './bound-clients.js';
export { type GuardedHandler, type ProtectOptions, protect } from './guard.js';
export { type HealthOptions, health } from './health.js';
export { limitedBody } from './limited-body.js';
export {
  type AuthorizedOperations,
  metrics,
  type OperationsOptions,
  operations,
  type PublicOperations,
} from './operations.js';
export { HttpProblem, type PlainProblem, problem } from './problem.js';
export { problemDetails } from './problem-details.js';
export { type ProblemHandlerOptions, problemHandler } from './problem-handler.js';
export { type RouteTableEntry, type RouteTableOptions, routeTable } from './route-table.js';
