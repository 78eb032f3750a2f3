/** The log of the command. Messages name what the plugin has, and get the command's names here. */
import type { Log } from '../engine.ts';
import { NAME } from './arguments.ts';
import { CONFIG } from './configuration.ts';

/** The message with the command's names for options, template and commands, in place of the plugin's. */
export function withCommandNames(text: string): string {
  return text
    .replace(/custom\.kafkaEventSource\.([\w./-]*\w)/g, `$1 in ${CONFIG}`)
    .replaceAll('custom.kafkaEventSource', CONFIG)
    .replaceAll('serverless.yml', 'the template')
    .replaceAll('`sls kafka ', `\`${NAME} `)
    .replaceAll(/`sls offline start`( or `[\w-]+ start`)?/g, `\`${NAME} start\``);
}

/** Notices go to stdout, warnings and errors to stderr; the rest is shown with --verbose only. */
export function createLog(isVerbose: boolean): Log {
  const out = (message: string) => void process.stdout.write(`${withCommandNames(message)}\n`);
  const err = (message: string) => void process.stderr.write(`${withCommandNames(message)}\n`);
  const verbose = isVerbose ? out : () => undefined;
  return {
    error: (message) => err(`Error: ${message}`),
    warning: (message) => err(`Warning: ${message}`),
    notice: out,
    info: verbose,
    debug: verbose,
  };
}
