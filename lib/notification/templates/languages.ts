import { de } from './de.ts';
import { en } from './en.ts';
import type { Language } from './language.ts';

/** The languages that messages are written in. */
export const LANGUAGES = { en, de } satisfies Record<string, Language>;

/**
 * The words for a reader, and the tag by which amounts and dates are written: the reader's own
 * (`de-AT`) where the language is one of ours, else English for both.
 */
export function languageFor(tag: string): { words: Language; tag: string } {
  const [base = ''] = tag.split('-');
  const words = Object.hasOwn(LANGUAGES, base) ? LANGUAGES[base as keyof typeof LANGUAGES] : en;
  return { words, tag: words.tag === base ? tag : words.tag };
}
