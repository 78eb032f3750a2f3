/** Shows texts of records and of other machines: a terminal obeys control characters, and a page marks of direction. */

/** Control characters, and those that turn the direction of reading; tab and line end are among them. */
const HARMFUL = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Unicode's marks of direction, which are unseen. */
const MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with an escape of JSON for each harmful character, but with its line ends; JSON stays the same. */
export function harmless(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}

/** The text with an escape of JSON for each harmful character and each line end. */
export function oneLine(text: string): string {
  return text.replaceAll(HARMFUL, escaped);
}

/** The text with an escape of JSON for each mark of direction, which shows the letters in another order than they have. */
export function inReadingOrder(text: string): string {
  return text.replaceAll(MARKS, escaped);
}

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
