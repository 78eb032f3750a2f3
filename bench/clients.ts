// Many clients at once against what `npm start` starts: each places an order, reads it and moves it on,
// until the time is over. Before that, in the same run, as many clients send the same requests to DynamoDB
// Local alone, by the repository that the functions use, first without and then with the writes of `notify`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { paginateScan } from '@aws-sdk/lib-dynamodb';
import { v7 as uuidV7 } from 'uuid';
import { systemClock } from '../lib/clock.ts';
import { createDynamo } from '../lib/dynamo.ts';
import { CHANNEL_NAMES } from '../lib/notification/channels/channels.ts';
import { createLedger } from '../lib/notification/ledger/ledger.ts';
import { eventOf } from '../lib/order/events.ts';
import { firstVersion, type NewOrder } from '../lib/order/order.ts';
import { createRepository } from '../lib/order/repository.ts';
import { moved } from '../lib/order/status.ts';
import type { OrderEvent } from '../lib/order-event.ts';
import { NOTIFICATION } from '../lib/table.ts';
import { offline } from '../local/offline.ts';
import { run } from '../local/run.ts';
import { readSettings } from '../local/settings.ts';
import { freePorts } from '../plugins/kafka-event-source/broker/ports.ts';
import { median, quantile, table } from './figures.ts';
import { tell } from './notify/bare.ts';
import { below, cpuSecondsOf } from './processes.ts';

const HELP = `Usage: npm run bench:clients -- [--clients 64] [--updates 1] [--seconds 30] [--warm-up 15] [--bare 15]

Measures clients that each place an order, read it and change its status, against what npm start starts.

  --clients 64   the clients at once
  --updates 1    the changes of an order's status, 1 to 3
  --seconds 30   the seconds that are measured
  --warm-up 15   the seconds before each measurement that are not counted
  --bare 15      the seconds of each measurement of DynamoDB Local alone, made first; 0 leaves them out`;

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '64' },
    updates: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '30' },
    'warm-up': { type: 'string', default: '15' },
    bare: { type: 'string', default: '15' },
    help: { type: 'boolean', default: false },
  },
});

/** Longer than the functions' own time limit. */
const REQUEST_TIMEOUT_MS = 30_000;
const TABLE = 'orders';
/** The statuses of an order, one after the other. */
const MOVES = (['confirmed', 'shipped', 'delivered'] as const).slice(0, Number(values.updates));
/** Each event is told by email and by SMS. */
const PER_ORDER = (1 + MOVES.length) * CHANNEL_NAMES.length;
const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const KINDS = ['create', 'read', 'update'] as const;
type Kind = (typeof KINDS)[number];

/** One round: the milliseconds of each request by its kind, and the answers that were not expected. */
type Outcome = { times: Record<Kind, number[]>; wrong: string[]; seconds: number };

/** One client's turn: an order from its placing to its last change. */
type Turn = (noted: <T>(kind: Kind, work: () => Promise<T>) => Promise<T>) => Promise<void>;

async function round(clients: number, seconds: number, turn: Turn): Promise<Outcome> {
  const times: Outcome['times'] = { create: [], read: [], update: [] };
  const wrong: string[] = [];
  const began = performance.now();
  const noted = async <T>(kind: Kind, work: () => Promise<T>) => {
    const start = performance.now();
    const answer = await work();
    times[kind].push(performance.now() - start);
    return answer;
  };
  const client = async () => {
    while (performance.now() < began + seconds * 1_000) {
      await turn(noted).catch((error: unknown) => wrong.push(String(error)));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { times, wrong, seconds: (performance.now() - began) / 1_000 };
}

/** The turn over HTTP. */
function overHttp(url: string): Turn {
  const ask = async (status: number, path: string, method = 'GET', body?: object) => {
    const answer = await fetch(url + path, {
      method,
      ...(body && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await answer.text();
    if (answer.status !== status) throw new Error(`${method} answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  };
  return async (noted) => {
    const order = newOrder();
    const { data } = await noted('create', () => ask(201, '/api/orders', 'POST', order));
    const path = `/api/orders/${data.id}`;
    await noted('read', () => ask(200, path));
    for (const status of MOVES) {
      await noted('update', () => ask(200, `${path}/status`, 'PUT', { status }));
    }
  };
}

type Dynamo = ReturnType<typeof createDynamo>;

/** The notifications on record. */
async function toldIn(dynamo: Dynamo): Promise<number> {
  const input = {
    ...{ TableName: TABLE, Select: 'COUNT' as const, FilterExpression: 'begins_with(sk, :sk)' },
    ExpressionAttributeValues: { ':sk': NOTIFICATION },
  };
  let count = 0;
  for await (const page of paginateScan({ client: dynamo }, input)) count += page.Count ?? 0;
  return count;
}

/**
 * The requests of the same turn to the table alone, by the repository that the functions use. With `notifies`
 * a client then makes the writes of `notify` for all events, before its next turn.
 */
function bareTurn(dynamo: Dynamo, notifies: boolean): Turn {
  const store = { dynamo, table: TABLE, clock: systemClock };
  const repository = createRepository(store);
  const ledger = createLedger(store);
  const event = (order: Parameters<typeof eventOf>[0]) =>
    eventOf(order, { id: uuidV7(), traceparent: TRACEPARENT, contact: undefined });
  const mark = (id: string, events: ReturnType<typeof event>[], version: number) =>
    repository.backlog.markPublished(id, events, systemClock.now().toISOString(), version);
  const notify = async ({ value }: ReturnType<typeof event>) => {
    const event: OrderEvent = JSON.parse(value);
    await ledger.advance(event);
    await Promise.all(CHANNEL_NAMES.map((channel) => tell(ledger, event, channel)));
  };
  return async (noted) => {
    const order = firstVersion(uuidV7(), newOrder(), systemClock.now());
    const first = event(order);
    await noted('create', async () => {
      await repository.insert({ order, contact: undefined, events: [first] });
      await mark(order.id, [first], 1);
    });
    await noted('read', () => repository.get(order.id));
    const events = [first];
    let last = order;
    for (const [index, status] of MOVES.entries()) {
      const next = moved(last, status, systemClock.now());
      const changed = event(next);
      await noted('update', async () => {
        await repository.get(order.id);
        await repository.update(next, changed, events.at(-1));
        await mark(order.id, [changed], index + 2);
      });
      events.push(changed);
      last = next;
    }
    if (notifies) for (const one of events) await notify(one);
  };
}

/** Every order has a customer of its own. */
function newOrder(): NewOrder {
  return {
    customerId: `c-${uuidV7()}`,
    items: [{ productId: 'p', quantity: 1, price: 5 }],
    currency: 'USD',
  };
}

function report(title: string, { times, wrong, seconds }: Outcome): void {
  const all = KINDS.flatMap((kind) => times[kind]);
  const rows = [...KINDS.map((kind) => [kind, times[kind]] as const), ['all', all] as const].map(
    ([name, own]) => [
      name,
      (own.length / seconds).toFixed(1),
      median(own).toFixed(0),
      quantile(own, 0.95).toFixed(0),
    ],
  );
  console.log(`\n${title}, ${seconds.toFixed(0)} s`);
  console.log(table(['request', 'a second', 'p50 ms', 'p95 ms'], rows));
  if (wrong.length === 0) return;
  console.error(`${wrong.length} wrong answers, such as ${wrong[0]}`);
  process.exitCode = 1;
}

/** The processor time of each part of the system while the work runs. */
async function withProcessorTime(work: () => Promise<Outcome>): Promise<Outcome> {
  const read = () => new Map(below().map(({ pid, part }) => [pid, { part, s: cpuSecondsOf(pid) }]));
  const before = read();
  const outcome = await work();
  const requests = KINDS.reduce((sum, kind) => sum + outcome.times[kind].length, 0);
  const spent = [...read()].map(([pid, { part, s }]) => ({
    part: part === 'starter' ? 'clients' : part,
    s: s - (before.get(pid)?.s ?? 0),
  }));
  const parts = Map.groupBy(spent, ({ part }) => part);
  const rows = [...parts].map(([part, all]) => {
    const s = all.reduce((sum, one) => sum + one.s, 0);
    return [part, (s / outcome.seconds).toFixed(2), ((s * 1_000) / requests).toFixed(1)];
  });
  console.log(`\n${table(['process', 'processors in use', 'processor ms a request'], rows)}`);
  return outcome;
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  if (!/^[123]$/.test(values.updates)) throw new Error('--updates must be 1, 2 or 3.');
  const clients = Number(values.clients);
  const directory = mkdtempSync(join(tmpdir(), 'orders-clients-'));
  const [KAFKA_PORT, DYNAMODB_PORT, HTTP_PORT, LAMBDA_PORT] = (await freePorts(4)).map(String);
  const ports = { KAFKA_PORT, DYNAMODB_PORT, HTTP_PORT, LAMBDA_PORT };
  const settings = readSettings({ ...process.env, ...ports }, 'java');
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const say = (line: string) => {
    if (line.startsWith('ready')) ready.resolve();
  };
  const functions = { ...offline(settings, false), log: join(directory, 'functions.log') };
  const running = run({ backend: 'java', settings, directory, functions, say }, stop.signal);
  running.catch(ready.reject);
  const dynamo = createDynamo(
    { region: 'us-east-1', dynamoEndpoint: `http://localhost:${DYNAMODB_PORT}` },
    { accessKeyId: 'local', secretAccessKey: 'local' },
  );
  try {
    await ready.promise;
    if (Number(values.bare) > 0) {
      for (const notifies of [false, true]) {
        const bare = bareTurn(dynamo, notifies);
        await round(clients, Number(values['warm-up']), bare);
        const floor = await withProcessorTime(() => round(clients, Number(values.bare), bare));
        const requests = `the same requests${notifies ? " and notify's writes" : ''}`;
        report(`${clients} clients of DynamoDB Local alone, ${requests}`, floor);
      }
    }
    const turn = overHttp(`http://localhost:${HTTP_PORT}`);
    const warm = await round(clients, Number(values['warm-up']), turn);
    const measured = await withProcessorTime(() => round(clients, Number(values.seconds), turn));
    report(`${clients} clients over HTTP`, measured);
    const orders = warm.times.create.length + measured.times.create.length;
    const told = await toldIn(dynamo);
    console.log(`Notifications on record then: ${told} of ${orders * PER_ORDER}`);
  } finally {
    dynamo.destroy();
    stop.abort();
    await running.catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
