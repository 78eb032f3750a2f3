// A process in a session of its own that runs the services. It ends them when its starter ends: the
// channel between the two closes even if the starter is killed with -9. It is started as
// `node supervisor.ts <directory>`; the directory only identifies it in a process list.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { News, Order, Task } from './supervise.ts';
import { signalGroup } from './system.ts';

type Running = { task: Task; child: ChildProcess };

/** The time between a task's own signal and SIGKILL; two waves take less than ten seconds. */
const GRACE = 3500;

const running = new Set<Running>();
const atEnd: Task[] = [];
const remove: string[] = [];
let stopping: Promise<void> | undefined;

process.on('message', (order: Order) => {
  if (order.do === 'stop') end();
  else if (order.do === 'remove') remove.push(order.path);
  else if (order.do === 'atEnd') atEnd.push(order.task);
  else if (!stopping) run(order);
});
process.on('disconnect', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

function run({ id, task, limit }: Order & { do: 'run' }) {
  const child = launched(id, task);
  if (!child) return;
  const entry = { task, child };
  running.add(entry);
  const timer = limit && setTimeout(endGroup, limit, entry);
  const over = (code: number | null, how: string) => {
    if (timer) clearTimeout(timer);
    report({ id, end: { code, how } });
  };
  child.once('error', (error) => over(null, error.message));
  child.once('exit', (code, signal) => over(code, signal ?? `exit ${code}`));
  if (child.pid) report({ id, pid: child.pid });
}

/** Starts a task. A log that cannot be opened is reported like a missing command. */
function launched(id: number, task: Task): ChildProcess | undefined {
  try {
    return launch(task);
  } catch (error) {
    report({
      id,
      end: { code: null, how: error instanceof Error ? error.message : String(error) },
    });
    return undefined;
  }
}

function launch({ command, args, shell, cwd, env, log }: Task): ChildProcess {
  if (log) mkdirSync(dirname(log), { recursive: true });
  const output = log ? openSync(log, 'w') : 'inherit';
  const child = spawn(command, args, {
    shell,
    windowsHide: true,
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true, // A process group of its own, so that a signal reaches its children, too.
  });
  if (typeof output === 'number') closeSync(output);
  return child;
}

function end() {
  stopping ??= endAll().finally(() => process.exit());
}

/** Ends the tasks marked `first`, so that they can still commit, and then the services below them. */
async function endAll() {
  const all = [...running];
  await Promise.all(all.filter(({ task }) => task.first).map(endGroup));
  await Promise.all(all.filter(({ task }) => !task.first).map(endGroup));
  for (const task of atEnd) await exited(launch(task), 2 * GRACE);
  for (const path of remove) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

async function endGroup({ task, child }: Running) {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, task.signal ?? 'SIGTERM');
  const deadline = Date.now() + GRACE;
  while (Date.now() < deadline && signalGroup(pid, 0)) await sleep(50);
  if (signalGroup(pid, 'SIGKILL')) await exited(child, 1000);
}

async function exited(child: ChildProcess, ms: number) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.once('error', () => resolve());
  await Promise.race([promise, sleep(ms)]);
}

function report(news: News) {
  // If the starter has ended, nobody needs the news.
  if (process.connected) process.send?.(news, () => undefined);
}
