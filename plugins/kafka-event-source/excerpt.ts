const LENGTH = 200;

/** The beginning of an answer as JSON, for a message; also of one that is nested too deeply to be written again. */
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
