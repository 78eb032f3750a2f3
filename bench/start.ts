/**
 * Measures `npm start`: the time until `ready`, the CPU time of each process, and its memory when idle:
 * `npm run bench:start`. The first start makes the data, the second is a warm one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { offline } from '../local/offline.ts';
import { run } from '../local/run.ts';
import { readSettings } from '../local/settings.ts';
import { freePorts } from '../plugins/kafka-event-source/broker/ports.ts';
import { table } from './figures.ts';
import { below, cpuSecondsOf, read } from './processes.ts';

/** The pause between `ready` and the reading of the memory. */
const IDLE = 20_000;
const SAMPLE = 50;
/** The lines of `sls offline` that end one of its steps. */
const STEPS: [step: string, mark: string][] = [
  ['sls: loaded, and first line', '\n'],
  ['sls: functions built', 'Functions built'],
  ['sls: functions can load', 'cannot load'],
  ['sls: HTTP API open', 'Server ready'],
  ['sls: mapping polls', 'polling'],
];

const directory = mkdtempSync(join(tmpdir(), 'orders-bench-'));

function megabytesOf(pid: number): number {
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? '';
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
}

async function start(title: string): Promise<void> {
  const ports = (await freePorts(4)).map(String);
  const [KAFKA_PORT, DYNAMODB_PORT, HTTP_PORT, LAMBDA_PORT] = ports;
  const env = { ...process.env, KAFKA_PORT, DYNAMODB_PORT, HTTP_PORT, LAMBDA_PORT };
  const settings = readSettings(env, 'java');
  const log = join(directory, 'functions.log');
  rmSync(log, { force: true });
  const began = performance.now();
  const own = process.cpuUsage();
  const times: [string, number][] = [];
  const note = (step: string) => times.push([step, (performance.now() - began) / 1000]);
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const say = (line: string) => {
    note(line.replace(/:.*/, ''));
    if (line.startsWith('ready')) ready.resolve();
  };
  const functions = { ...offline(settings, true), log };
  const running = run({ backend: 'java', settings, directory, functions, say }, stop.signal);
  running.catch(ready.reject);

  const seconds = new Map<number, number>();
  const parts = new Map<number, string>();
  const left = [...STEPS];
  const watch = setInterval(() => {
    for (const { pid, part } of below()) {
      parts.set(pid, part);
      seconds.set(pid, cpuSecondsOf(pid) || (seconds.get(pid) ?? 0));
    }
    const printed = read(log) ?? '';
    for (const step of left.filter(([, mark]) => printed.includes(mark))) {
      note(step[0]);
      left.splice(left.indexOf(step), 1);
    }
  }, SAMPLE);
  await ready.promise;
  const { user, system } = process.cpuUsage(own);
  seconds.set(process.pid, (user + system) / 1e6);
  clearInterval(watch);
  await sleep(IDLE);
  const memory = new Map(below().map(({ pid, part }) => [pid, { part, mb: megabytesOf(pid) }]));
  stop.abort();
  await running;

  console.log(`\n${title}\n`);
  console.log(
    table(
      ['s', 'step'],
      times.map(([step, at]) => [at.toFixed(1), step]),
    ),
  );
  const names = [...new Set([...parts.values(), ...[...memory.values()].map(({ part }) => part)])];
  const rows = names.map((name) => {
    const cpu = [...parts].reduce(
      (s, [pid, p]) => s + (p === name ? (seconds.get(pid) ?? 0) : 0),
      0,
    );
    const mb = [...memory.values()].reduce((s, { part, mb }) => s + (part === name ? mb : 0), 0);
    return { name, cpu, mb };
  });
  const total = rows.reduce((s, { cpu, mb }) => ({ cpu: s.cpu + cpu, mb: s.mb + mb }), {
    cpu: 0,
    mb: 0,
  });
  console.log(
    `\n${table(
      ['process', 'CPU s to ready', 'idle MB (PSS)'],
      [...rows, { name: 'all', ...total }].map(({ name, cpu, mb }) => [
        name,
        cpu.toFixed(1),
        Math.round(mb),
      ]),
    )}`,
  );
}

try {
  await start('First start');
  await start('Warm start');
} finally {
  rmSync(directory, { recursive: true, force: true });
}
