import type { Latency } from '../plan.js';

/** One kind of request that clients make. */
export interface ClientRequest {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** May hold places such as `{{int 1 1000}}`; see `template.ts`. */
  readonly path: string;
  readonly body?: string;
  /** How often it is made, beside the weights of the others. */
  readonly weight: number;
}

/** A crowd of clients, each with a connection of its own that it keeps: think, ask, wait for the answer, think again. */
export interface ClientsPlan {
  readonly port: number;
  readonly seed: number;
  readonly clients: number;
  /** Mean of the time between an answer and the next request, exponential, ten times as long at most. */
  readonly thinkMs: number;
  /** Clients come evenly over this time, all stay for `steadyMs`, and leave evenly over `rampDownMs`. */
  readonly rampUpMs: number;
  readonly steadyMs: number;
  readonly rampDownMs: number;
  /** Without an answer for so long, a client hangs up. */
  readonly unansweredAfterMs: number;
  readonly requests: readonly ClientRequest[];
}

/** The parts of a run; a request belongs to the one in which it was sent. */
export const PHASES = ['rampUp', 'steady', 'rampDown'] as const;

/** See {@link PHASES}. */
export type Phase = (typeof PHASES)[number];

/** What became of the requests of one kind in one phase. */
export interface ClientTally {
  readonly name: string;
  readonly phase: Phase;
  readonly sent: number;
  /** Whole answers, by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Problem codes of refusals and errors. */
  readonly codes: Readonly<Record<string, number>>;
  /** Of good answers. */
  readonly latency: Latency;
  /** Requests that were sent and never answered, by why. */
  readonly unanswered: Readonly<Record<string, number>>;
}

/** What one run gives back. */
export interface ClientsResult {
  readonly tallies: readonly ClientTally[];
  /** Connections that were open at once, at most. */
  readonly mostConnections: number;
  readonly connectionsOpened: number;
  /** Connections that could not be made; the client tried again. */
  readonly connectFailures: number;
  /** Connections that the server closed while nothing was on its way. */
  readonly closedIdle: number;
  /** Milliseconds from the first client to the last one's end. */
  readonly tookMs: number;
}
