/** What somebody answered, in a message: as JSON, and not all of it. */
const SHOWN = 200;

/** JSON reads what is nested too deeply to be written again: such an answer is told, too. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    text = 'that is nested too deeply to be shown';
  }
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
