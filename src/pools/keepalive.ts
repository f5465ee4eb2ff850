/** Until the first keepalive packet on a quiet socket; the kernel's own default is two hours. */
export const KEEPALIVE_DELAY_MS = 1_000;
