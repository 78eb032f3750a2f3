/** The log of the command. */
import type { UserLog } from '../log.ts';

/** Notices go to stdout, warnings and errors to stderr; the rest is shown with --verbose only. */
export function createLog(isVerbose: boolean): UserLog {
  const out = (message: string) => void process.stdout.write(`${message}\n`);
  const err = (message: string) => void process.stderr.write(`${message}\n`);
  const verbose = isVerbose ? out : () => undefined;
  return {
    error: (message) => err(`Error: ${message}`),
    warning: (message) => err(`Warning: ${message}`),
    notice: out,
    info: verbose,
    debug: verbose,
  };
}
