/** What the ledger of a shared bucket is told of one process. */
export interface TokenReport {
  /** Counts the reports, so that one that arrives late changes nothing. */
  readonly sequence: number;
  /** Tokens spent since the process made its part of the bucket, which is told of under a name of its own. */
  readonly spent: number;
  /** As much of {@link spent} as the ledger is known to have heard of. */
  readonly acknowledged: number;
  /** Prepaid tokens that are left. */
  readonly held: number;
  /** Tokens that are wanted on top of them. */
  readonly want: number;
  /** Whether the ledger has answered this process before: if it does not know the bucket now, it has lost it. */
  readonly known: boolean;
  /** Whether the process has lived on its share meanwhile. */
  readonly away: boolean;
  /** How long before this one the last report was sent that may have been heard, in ms; `Infinity` for the first. */
  readonly sinceMs: number;
}

/** What the ledger answers. */
export interface TokenReply {
  /** Tokens that are prepaid with this. */
  readonly granted: number;
  /** Tokens that are left for whoever asks next; below 0 where more was spent than there was. */
  readonly level: number;
  /** Tokens that other processes have prepaid, as far as they said. */
  readonly others: number;
}

/** How long the ledger keeps what is prepaid for a process of which it hears nothing. */
export const TOKEN_LEASE_MS = 5_000;
