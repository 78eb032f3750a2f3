/** Values by the name of the variable that sets them; deeper objects only group them. */
export type Nested = { [name: string]: string | Nested };

/** Placeholders in serverless.yml: reserved names, and an account number that does not exist. */
const PLACEHOLDER = /\.invalid(?![a-z0-9-])|:000000000000:|\b(?:subnet|sg)-00000000\b/;

/** The variables that are empty or still have a placeholder, each with its value. */
export function placeholders(values: Nested): [name: string, value: string][] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value !== 'string') return placeholders(value);
    return value === '' || PLACEHOLDER.test(value)
      ? [[name, value] satisfies [string, string]]
      : [];
  });
}
