/** The database cannot become the shop's: the message says why and what would help. */
export class DatabaseRefused extends Error {
  override readonly name = 'DatabaseRefused';
}

/** The database cannot be reached at present; trying again later may help. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}
