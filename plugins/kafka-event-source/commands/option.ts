/** The value of a command's option that is a text; undefined if it is left out or empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
