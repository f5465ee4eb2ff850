import { type Channel, channel } from 'node:diagnostics_channel';
import type { PriorityClass } from '../core/priority.js';
import type { ErrorCode, Refusal } from '../errors.js';
import type { RouteOutcome } from './route-stats.js';

/** What every message tells. All names come from the configuration. */
export interface RequestMessage {
  /** The same object in all messages of one request, and in no other's: a key for a `WeakMap`. */
  readonly request: object;
  /** The same object in all messages of one route of one gateway. */
  readonly source: object;
  readonly route: string;
  /** The class in which the route stands. */
  readonly priority: PriorityClass;
  /** Absent for a route without database. */
  readonly pool: string | undefined;
}

/** `sluice:queued`: a request begins to wait for a seat. Published in the async context of the request. */
export type QueuedMessage = RequestMessage;

/** What became of a request that asked for a seat; `request_canceled`: its client left before, or its body could not be read. */
export type AdmissionResult = 'acquired' | 'request_canceled' | ErrorCode;

/**
 * `sluice:admission`: a request got its seat, was shed, or ended before: its client left, or somebody else answered (a
 * parser that could not read its body). Once for each request. The async context is
 * that of the request only where it was not queued.
 */
export interface AdmissionMessage extends RequestMessage {
  readonly result: AdmissionResult;
  /** From the queue to the seat, in milliseconds; 0 for those that did not get one. */
  readonly queueWaitMs: number;
  /** Why it was shed, with what was measured. */
  readonly refusal: Refusal | undefined;
}

/** `sluice:acquire`: a request got a connection, or did not. */
export interface AcquireMessage extends RequestMessage {
  readonly waitMs: number;
  /** Why there was none. */
  readonly error: unknown;
}

/** `sluice:release`: a request gave a connection back. */
export interface ReleaseMessage extends RequestMessage {
  readonly useMs: number;
}

/** `sluice:query`: a statement was answered, or failed. Neither its text nor its values are told. */
export interface QueryMessage extends RequestMessage {
  readonly system: 'postgresql' | 'mysql';
  /** The first word of its text in upper case; `OTHER` for words that are not usual. */
  readonly operation: string;
  readonly durationMs: number;
  readonly error: unknown;
}

/** `sluice:end`: an admitted request has given its seat back. */
export interface EndMessage extends RequestMessage {
  readonly outcome: RouteOutcome;
  readonly seatHoldMs: number;
}

/** `sluice:connect`: a pool has opened a connection. */
export interface ConnectMessage {
  /** The same object in all messages of one pool of one gateway. */
  readonly source: object;
  readonly pool: string;
  readonly durationMs: number;
}

/** `sluice:answer`: the answer to an HTTP request is complete, a refusal too, or its client has left. */
export interface AnswerMessage extends RequestMessage {
  /** One of the usual methods, or `_OTHER`. */
  readonly method: string;
  /** 499 where the client left before the answer was complete. */
  readonly status: number;
  readonly scheme: 'http' | 'https';
  /** The path as the application wrote it, where it stands in no router that was mounted under another path. */
  readonly template: string | undefined;
  /** From its arrival. */
  readonly durationMs: number;
}

/** What is published where, by the name of the channel of `node:diagnostics_channel`. */
export interface ChannelMessages {
  readonly 'sluice:queued': QueuedMessage;
  readonly 'sluice:admission': AdmissionMessage;
  readonly 'sluice:acquire': AcquireMessage;
  readonly 'sluice:release': ReleaseMessage;
  readonly 'sluice:query': QueryMessage;
  readonly 'sluice:end': EndMessage;
  readonly 'sluice:answer': AnswerMessage;
  readonly 'sluice:connect': ConnectMessage;
}

/** A channel of Sluice. */
export type ChannelName = keyof ChannelMessages;

/**
 * The channels of this process. That they are shared by all copies and all gateways is what diagnostics channels are
 * for; none costs anything before somebody subscribes.
 */
export const CHANNELS: { readonly [Name in ChannelName]: Channel<ChannelMessages[Name]> } = {
  'sluice:queued': typed('sluice:queued'),
  'sluice:admission': typed('sluice:admission'),
  'sluice:acquire': typed('sluice:acquire'),
  'sluice:release': typed('sluice:release'),
  'sluice:query': typed('sluice:query'),
  'sluice:end': typed('sluice:end'),
  'sluice:answer': typed('sluice:answer'),
  'sluice:connect': typed('sluice:connect'),
};

/** Node's types know nothing of what is published where. */
function typed<Name extends ChannelName>(name: Name): Channel<ChannelMessages[Name]> {
  return channel(name) as Channel<ChannelMessages[Name]>;
}

const ALL = Object.values(CHANNELS);

/** Whether anybody listens to any of them. */
export function anybodyListens(): boolean {
  for (const each of ALL) if (each.hasSubscribers) return true;
  return false;
}
