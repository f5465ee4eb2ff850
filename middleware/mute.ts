import type { Response } from 'express';

/** Makes a response that was answered for its handler deaf to what the handler still writes. */
export function mute(res: Response, swallowed: () => void): void {
  const ignore = (): Response => {
    swallowed();
    return res;
  };
  const accept = (): boolean => {
    swallowed();
    return true;
  };
  const silent = (): Response => res;
  Object.assign(res, {
    end: ignore,
    write: accept,
    writeHead: silent,
    setHeader: silent,
    appendHeader: silent,
    removeHeader: () => {},
    flushHeaders: () => {},
  });
}
