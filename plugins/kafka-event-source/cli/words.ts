/** The names in messages of the command. */
import type { Words } from '../words.ts';
import { NAME } from './arguments.ts';
import { CONFIG } from './configuration.ts';

export const COMMAND_WORDS: Words = {
  settings: CONFIG,
  setting: (name) => `${name} in ${CONFIG}`,
  template: 'the template',
  start: `\`${NAME} start\``,
};
