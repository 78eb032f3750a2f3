/** The Node that this package needs. An older Node must be able to parse it. */
export const OLDEST_NODE = '22.15.0';

/** Says that a release, such as `20.1.0`, is too old; undefined if it is not. */
export function complaintOf(release: string): string | undefined {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `lambda-kafka-event-source needs Node ${OLDEST_NODE} or later; this is Node ${release} (${process.execPath}).`;
}
