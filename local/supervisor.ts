// A process of its own session that runs the services and ends them when its starter goes, however
// that happens: the channel between the two closes even when the starter is killed with -9.
// Started as `node supervisor.ts <directory>`; the directory is there to be seen in a process list.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Order, Task } from './supervise.ts';

type Running = { task: Task; child: ChildProcess; ended: Promise<void> };

/** From the polite signal to SIGKILL: two waves of these stay well below ten seconds. */
const GRACE = 3500;

const running = new Map<string, Running>();
const remove: string[] = [];
const atEnd: Task[] = [];
let ending: Promise<void> | undefined;

process.on('message', (order: Order) => {
  if (order.do === 'stop') end();
  else if (order.do === 'remove') remove.push(order.path);
  else if (order.do === 'atEnd') atEnd.push(order.task);
  else if (!ending) run(order.task);
});
process.on('disconnect', end);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);

function run(task: Task) {
  const child = launch(task);
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  child.once('error', (error) => {
    report({ name: task.name, event: 'ended', how: error.message });
    resolve();
  });
  child.once('exit', (code, signal) => {
    report({ name: task.name, event: 'ended', code, how: signal ?? `exit ${code}` });
    resolve();
  });
  running.set(task.name, { task, child, ended });
  if (child.pid) report({ name: task.name, event: 'started', pid: child.pid });
}

function launch({ command, args, cwd, env, log }: Task): ChildProcess {
  if (log) mkdirSync(dirname(log), { recursive: true });
  const output = log ? openSync(log, 'w') : 'inherit';
  // Its own process group, so that its children can be signalled with it.
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
    detached: true,
  });
  if (typeof output === 'number') closeSync(output);
  return child;
}

function end() {
  ending ??= endAll().finally(() => process.exit(0));
}

/** The functions first, so that they can still commit and answer; then what they stand on. */
async function endAll() {
  const all = [...running.values()];
  await Promise.all(all.filter(({ task }) => task.first).map(endGroup));
  await Promise.all(all.filter(({ task }) => !task.first).map(endGroup));
  for (const task of atEnd) await endedWithin(launch(task), 2 * GRACE);
  for (const path of remove) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

async function endGroup({ task, child, ended }: Running) {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, task.signal ?? 'SIGTERM');
  const deadline = Date.now() + GRACE;
  while (Date.now() < deadline && signalGroup(pid, 0)) await sleep(50);
  signalGroup(pid, 'SIGKILL');
  await Promise.race([ended, sleep(1000)]);
}

/** Whether the group still has a process. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false; // No process is left in the group.
  }
}

async function endedWithin(child: ChildProcess, ms: number) {
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', resolve);
  child.once('error', resolve);
  await Promise.race([promise, sleep(ms)]);
}

function report(news: object) {
  // The starter may be gone: then nobody needs the news.
  if (process.connected) process.send?.(news, () => undefined);
}
