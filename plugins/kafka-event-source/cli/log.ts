/** The log of the command, in its own words: messages are written for the plugin. */
import type { Log } from '../engine.ts';
import { NAME } from './arguments.ts';
import { CONFIG } from './configuration.ts';

/** A message with the names that the command has for options, template and commands. */
export function inOwnWords(text: string): string {
  return text
    .replace(/custom\.kafkaEventSource\.([\w./-]*\w)/g, `$1 in ${CONFIG}`)
    .replaceAll('custom.kafkaEventSource', CONFIG)
    .replaceAll('serverless.yml', 'the template')
    .replaceAll('`sls kafka ', `\`${NAME} `)
    .replaceAll(/`sls offline start`( or `[\w-]+ start`)?/g, `\`${NAME} start\``);
}

/** Notices go to stdout, warnings and errors to stderr; the rest is shown with --verbose only. */
export function createLog(isVerbose: boolean): Log {
  const out = (message: string) => void process.stdout.write(`${inOwnWords(message)}\n`);
  const err = (message: string) => void process.stderr.write(`${inOwnWords(message)}\n`);
  const verbose = isVerbose ? out : () => undefined;
  return {
    error: (message) => err(`Error: ${message}`),
    warning: (message) => err(`Warning: ${message}`),
    notice: out,
    info: verbose,
    debug: verbose,
  };
}
