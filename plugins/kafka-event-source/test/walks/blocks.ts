/** The code blocks of a page, as a reader uses them. */

/** A block: its language, and the word behind it, such as a file's name in "```yaml serverless.yml". */
export interface Block {
  readonly language: string;
  readonly word: string;
  readonly text: string;
}

/** A page's blocks, in their order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```(\S*)[ \t]*(\S*)\n(.*?)^```$/gms)].map(
    ([, language = '', word = '', text = '']) => ({ language, word, text }),
  );
}

/** The text below a heading of the second level; empty if there is no such heading. */
export function sectionOf(page: string, heading: string): string {
  return page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
}

/** The lines of a block of commands; a backslash at its end joins a line with the next one. */
export function commandsOf({ text }: Block): string[] {
  return text.split(/(?<!\\)\n/).filter((line) => line.trim() !== '');
}
