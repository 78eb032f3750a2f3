/**
 * Ends the load under a Node that is too old. The entries import this module before all others, which may
 * fail there with errors that do not name Node. An older Node must be able to parse it.
 */
export const OLDEST_NODE = '22.15.0';

/** Whether the release, such as `24.1.0`, is the oldest one or a later one. */
export function isSupported(release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

if (!isSupported(process.versions.node)) {
  const message = `lambda-kafka-event-source needs Node ${OLDEST_NODE} or later; this is Node ${process.versions.node} (${process.execPath}).`;
  // The framework prints an error of this name without a stack trace, and exits with code 1.
  throw Object.assign(new Error(message), { name: 'ServerlessError', code: 'NODE_TOO_OLD' });
}
