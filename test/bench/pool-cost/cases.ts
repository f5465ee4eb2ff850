/** What is timed, each through Sluice and on a bare client of the driver. */
export const COST_CASES = [
  'bareText',
  'text',
  'textRun',
  'bareBound',
  'bound',
  'boundRun',
  'mixedRun',
  'bareTransaction',
  'transaction',
  'transactionRun',
  'borrow',
] as const;

export type CostCase = (typeof COST_CASES)[number];

/** How the cases read in a table. */
export const COST_TITLES: Readonly<Record<CostCase, string>> = {
  bareText: 'SELECT 1, bare client',
  text: 'SELECT 1 through Sluice',
  textRun: 'SELECT 1 through Sluice, admission of its own',
  bareBound: 'SELECT a parameter, bare client',
  bound: 'SELECT a parameter through Sluice',
  boundRun: 'SELECT a parameter through Sluice, admission of its own',
  mixedRun: 'the same, deadlines of 0.5 and 5 s in turns',
  bareTransaction: 'BEGIN, SELECT a parameter, COMMIT, bare client',
  transaction: 'a transaction with SELECT a parameter through Sluice',
  transactionRun: 'the same, admission of its own',
  borrow: 'connect and release, nothing else',
};

/** Microseconds of one call, one figure a round. */
export interface CostFigures {
  /** From call to answer. */
  readonly tookUs: readonly number[];
  /** Processor time of the process that calls, whatever else the machine does. */
  readonly cpuUs: readonly number[];
}

/** All cases: sent by the process that measures as its only message. */
export type CostRun = Readonly<Record<CostCase, CostFigures>>;
