/** Shows texts of records and of other machines at a terminal, which obeys control characters. */

/** Control characters, and those that turn the direction of reading; tab and line end are among them. */
const HARMFUL = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text with an escape of JSON for each harmful character, but with its line ends; JSON stays the same. */
export function harmless(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}

/** The text with an escape of JSON for each harmful character and each line end. */
export function oneLine(text: string): string {
  return text.replaceAll(HARMFUL, (one) => {
    const code = one.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
