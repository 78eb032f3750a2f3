import { fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalGroup } from './system.ts';

/** A process for the supervisor to run. Without a log its output goes to the starter's terminal. */
export type Task = {
  name: string;
  command: string;
  args: string[];
  /** Whether a shell starts it. */
  shell?: boolean;
  cwd?: string;
  env?: Record<string, string>;
  log?: string;
  /** The signal that asks it to end; SIGTERM by default. */
  signal?: NodeJS.Signals;
  /** Whether it ends before the others. */
  first?: boolean;
};

/** An order to the supervisor. */
export type Order =
  | { do: 'run'; id: number; task: Task; limit?: number }
  | { do: 'atEnd'; task: Task }
  | { do: 'remove'; path: string }
  | { do: 'stop' };
export type News = { id: number; pid?: number; end?: End };

type End = { code: number | null; how: string };
export type Child = { pid: Promise<number | undefined>; ended: Promise<End> };

export type Supervisor = {
  /** Starts a process; it ends, with its whole group, when the supervisor or its limit in ms does. */
  run(task: Task, limit?: number): Child;
  /** Runs a command when everything has ended. */
  atEnd(task: Task): void;
  /** Removes a file or folder when everything has ended. */
  remove(path: string): void;
  /** Ends every process and the supervisor itself. */
  stop(): Promise<void>;
  /** Lets this process end while the supervisor runs; the supervisor then ends, too. */
  unref(): void;
};

type Watched = { pid?: number; tellPid(pid?: number): void; tellEnd(end: End): void };

const STOP_LIMIT = 20_000;

/** Starts a supervisor. Its processes end with this process, even if this process is killed. */
export function supervise(directory: string): Supervisor {
  // Beside this file, in the source as in the package.
  const isSource = import.meta.url.endsWith('.ts');
  const script = join(import.meta.dirname, isSource ? 'supervisor.ts' : 'supervisor.js');
  const supervisor = fork(script, [directory], {
    detached: true,
    windowsHide: true,
    execArgv: [],
    env: process.env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const watched: Watched[] = [];
  const gone = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  supervisor.on('message', ({ id, pid, end }: News) => {
    const child = watched[id];
    if (pid) child?.tellPid(pid);
    if (end) child?.tellEnd(end);
  });
  gone.then(() => watched.forEach(abandon));
  const order = (message: Order) => {
    // A stopping supervisor reads no more orders, and needs none.
    if (supervisor.connected) supervisor.send(message, () => undefined);
  };
  return {
    run(task, limit) {
      const pid = Promise.withResolvers<number | undefined>();
      const ended = Promise.withResolvers<End>();
      const child: Watched = {
        tellPid: (known) => {
          child.pid = known;
          pid.resolve(known);
        },
        tellEnd: (end) => {
          child.pid = undefined;
          pid.resolve(undefined);
          ended.resolve(end);
        },
      };
      order({ do: 'run', id: watched.push(child) - 1, task, limit });
      return { pid: pid.promise, ended: ended.promise };
    },
    atEnd: (task) => order({ do: 'atEnd', task }),
    remove: (path) => order({ do: 'remove', path }),
    unref() {
      supervisor.unref();
      supervisor.channel?.unref();
    },
    async stop() {
      order({ do: 'stop' });
      const timer = setTimeout(() => supervisor.kill('SIGKILL'), STOP_LIMIT);
      await gone;
      clearTimeout(timer);
    },
  };
}

/** Rejects when the process ends before `work` is done, with the last lines of its log. */
export async function whileRunning<T>(
  task: Task,
  child: Child,
  work: (gone: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const died = child.ended.then(({ how }) => {
    const output = task.log
      ? `The end of ${task.log}:\n${tail(task.log)}`
      : 'See its output above.';
    throw new Error(`${task.name} ended while starting (${how}). ${output}`);
  });
  try {
    return await Promise.race([work(abort.signal), died]);
  } finally {
    abort.abort();
    died.catch(() => undefined); // The caller watches for an end after the start.
  }
}

/** The last lines of a log. */
export function tail(path: string): string {
  if (!existsSync(path)) return '(no log was written)';
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
}

/** Ends a process of a supervisor that was killed, because nothing else would end it. */
function abandon({ pid, tellEnd }: Watched) {
  if (pid) signalGroup(pid, 'SIGKILL');
  tellEnd({ code: null, how: 'its supervisor ended' });
}
