/** The names in messages of the command. */
import type { Words } from '../words.ts';
import { NAME } from './arguments.ts';
import { CONFIG, SETTINGS } from './configuration.ts';

export const COMMAND_WORDS: Words = {
  settings: CONFIG,
  origin: `command line, ${CONFIG}`,
  setting: (name) => `${name} in ${CONFIG}`,
  template: 'the template',
  start: `\`${NAME} start\``,
  localBroker: (functionKey) =>
    'Name a local broker by --broker host:port, or let `start` run one by --broker start; for this ' +
    `function alone set mappings.${functionKey}.bootstrapServers in ${CONFIG}.`,
  otherBroker: 'name a Kafka by --broker host:port',
  ownSettings: SETTINGS,
};
