/** The words that are booleans in YAML 1.1 only. */
const YES = /^(?:yes|Yes|YES|on|On|ON)$/;
const NO = /^(?:no|No|NO|off|Off|OFF)$/;

/** The boolean that CloudFormation reads in one of these words; undefined for every other value. */
export function booleanOf(value: unknown): boolean | undefined {
  if (typeof value !== 'string') return undefined;
  if (YES.test(value)) return true;
  return NO.test(value) ? false : undefined;
}
