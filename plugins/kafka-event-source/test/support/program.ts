import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const LIMIT_MS = 40_000;

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a program. At the end of the test it is killed, if it still runs. */
export function startProgram(file: string, args: readonly string[], options: ProgramOptions) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = () => once(child, 'exit', { signal: AbortSignal.timeout(LIMIT_MS) });
  return {
    output: outputOf(child),
    hasEnded: () => hasEnded(child),
    /** Waits up to 40 s for its end. @returns its exit code and signal */
    ended,
    /** Ends it, by default as Ctrl-C does. @returns its exit code and signal */
    async end(signal: NodeJS.Signals = 'SIGINT') {
      if (!hasEnded(child)) {
        const end = ended();
        child.kill(signal);
        await end;
      }
      return [child.exitCode, child.signalCode] as const;
    },
    [Symbol.asyncDispose]: () => kill(child),
  };
}

/** Keeps the output of a process. @returns tells everything printed so far, on both streams */
export function outputOf({ stdout, stderr }: ChildProcess): () => string {
  let output = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return () => output;
}

/** Ends a process as kill -9 does, and waits until it has ended. */
export async function kill(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

export function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
