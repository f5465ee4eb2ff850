/** What stands at the beginning of every PEM file, as it is and in base64, in which secrets are often handed on. */
const PEM = /-----BEGIN|^\s*LS0tLS1CRUdJTi/;
/** A key or a certificate without its first and last line: DER begins alike, and no path is so long without a dot. */
const BARE = /^\s*M[CI][A-Za-z0-9+/\s]{60,}={0,2}\s*$/;

/** What to do with {@link isPemText} where a path is wanted. */
export const PEM_TEXT_REMEDY = 'this is the text of a PEM file; name a file';

/** Whether a text is what a PEM file holds, rather than the path of one: it may be a private key, and is never shown. */
export function isPemText(text: string): boolean {
  return PEM.test(text) || BARE.test(text);
}
