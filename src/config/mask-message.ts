import { isSecretName, maskUrl, parseServerUrl } from './mask.js';

/** From its first line to its last, or to the end where that is cut off. */
const PEM = /-----BEGIN.*?(?:-----END[^-]*-----|$)/gs;
/**
 * URLs in a sentence. Behind `user:` a password goes on to the next `@` even where it has a quote or a blank, unless it is
 * a port; signs that end a sentence are none of the URL.
 */
const URLS = /\b[a-z][a-z0-9+.-]*:\/\/(?:[^\s/@:[]*:(?!\d+(?:[/?#\s"'`),.;]|$))[^@]*@)?[^\s"'`]*[^\s"'`).,;:]/gi;
/** `password=s3cret`, and `password: "s3cret"` as objects are printed. */
const PAIRS = /((?:passw\w*|passphrase|pwd|secret|token)["']?\s*)(=\s*|:\s*(?=["']))("[^"]*"|'[^']*'|[^\s&"',;]+)/gi;

/** The message of an error that others threw, without the passwords and keys that can be told in it. */
export function maskMessage(message: string): string {
  return message.replaceAll(PEM, '(hidden)').replaceAll(URLS, maskFound).replaceAll(PAIRS, '$1$2***');
}

function maskFound(text: string): string {
  // Of a module: folders may be called @name.
  if (/^(?:file|node):/i.test(text)) return text;
  const url = parseServerUrl(text);
  const harmless = url !== undefined && !text.includes('@') && ![...url.searchParams.keys()].some(isSecretName);
  return harmless ? text : maskUrl(text);
}
