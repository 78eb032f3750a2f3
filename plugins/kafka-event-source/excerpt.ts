const LENGTH = 200;

/** The beginning of an answer as JSON, for a message, even if its nesting is too deep for JSON. */
export function excerpt(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    text = 'that is nested too deeply to be shown';
  }
  return text.length > LENGTH ? `${text.slice(0, LENGTH)}…` : text;
}
