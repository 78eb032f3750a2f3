/** The signals that a handler sends to its own process. On AWS that is the instance; here it has other work to do. */
import { constants } from 'node:os';

/** As a shell counts the end of a process by a signal. */
const BY_SIGNAL = 128;

export interface OwnSignal {
  readonly name: NodeJS.Signals;
  /** The exit status of an instance that it ends. */
  readonly status: number;
}

/** The signal of a call of `process.kill` if it goes to this process; undefined for another one, and for no signal. */
export function ownSignal(pid: number, signal: string | number): OwnSignal | undefined {
  // A group of processes is named by 0, or by a number below it.
  if (![process.pid, -process.pid, 0].includes(pid)) return undefined;
  const found = Object.entries(constants.signals).find((pair) => pair.includes(signal));
  return found && { name: found[0] as NodeJS.Signals, status: BY_SIGNAL + found[1] };
}
