/** Reads text files of other programs. */

/** A parser's message without the excerpt of the file that follows it. */
export function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/[:.]$/, '');
}

const MARKS: readonly (readonly [encoding: string, mark: readonly number[]])[] = [
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];

/** The text without its byte order mark; Windows PowerShell writes UTF-16 for `command > file`. */
export function decode(bytes: Uint8Array): string {
  const marked = MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte));
  return new TextDecoder(marked?.[0] ?? 'utf-8').decode(bytes);
}
