const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True if nobody can change an answer from this address on its way: https, or this machine. */
export function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username || password || hash) return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}
