import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process for the supervisor to run. Without a log its output goes to the starter's terminal. */
export type Task = {
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  log?: string;
  /** What ends it politely; SIGTERM by default. */
  signal?: NodeJS.Signals;
  /** Ended before the others. */
  first?: boolean;
};

export type Order =
  | { do: 'run'; task: Task }
  | { do: 'atEnd'; task: Task }
  | { do: 'remove'; path: string }
  | { do: 'stop' };

type News = { name: string; event: 'started' | 'ended'; pid?: number; code?: number; how?: string };

export type Child = { ended: Promise<{ code: number | undefined; how: string }> };

export type Supervisor = {
  pid: number;
  /** Starts a process; it ends, with its whole group, when the supervisor does. */
  run(task: Task): Child;
  /** Runs a command when everything has ended. */
  atEnd(task: Task): void;
  /** Removes a file or folder when everything has ended. */
  remove(path: string): void;
  /** Ends every process and the supervisor itself. */
  stop(): Promise<void>;
};

const STOP_LIMIT = 15_000;

/** Starts a supervisor: what it runs ends with this process, however this process ends. */
export function supervise(directory: string): Supervisor {
  const supervisor = fork(join(import.meta.dirname, 'supervisor.ts'), [directory], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<string, (end: Awaited<Child['ended']>) => void>();
  const groups = new Map<string, number>();
  const gone = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  supervisor.on('message', ({ name, event, pid, code, how }: News) => {
    if (event === 'started' && pid) groups.set(name, pid);
    if (event === 'ended') waiting.get(name)?.({ code, how: how ?? 'unknown' });
  });
  gone.then(() => {
    for (const [name, tell] of waiting) {
      tell({ code: undefined, how: 'the supervisor ended' });
      killGroup(groups.get(name));
    }
  });
  const order = (message: Order) => {
    if (supervisor.connected) supervisor.send(message);
  };
  return {
    pid: supervisor.pid ?? 0,
    run(task) {
      const ended = new Promise<Awaited<Child['ended']>>((resolve) => {
        waiting.set(task.name, (end) => {
          waiting.delete(task.name);
          resolve(end);
        });
      });
      order({ do: 'run', task });
      return { ended };
    },
    atEnd: (task) => order({ do: 'atEnd', task }),
    remove: (path) => order({ do: 'remove', path }),
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
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const died = child.ended.then(({ how }) => {
    const seen = task.log
      ? `Last lines of ${task.log}:\n${tail(task.log)}`
      : 'See its output above.';
    throw new Error(`${task.name} ended while starting (${how}). ${seen}`);
  });
  try {
    return await Promise.race([work(abort.signal), died]);
  } finally {
    abort.abort();
    died.catch(() => undefined); // Later ends are the caller's business.
  }
}

function tail(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  } catch {
    return '(no log was written)';
  }
}

/** Only for a supervisor that was itself killed: its processes have lost whoever would end them. */
function killGroup(pid: number | undefined) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
