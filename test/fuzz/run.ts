import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { pool } from '../../lib/pool.ts';
import { createRandom, type Random } from '../crash/random.ts';
import { attackOf, type Parties, pick, twinOf } from './attack.ts';
import { changesOf, differenceOf, faultsOf, faultsOfOwn, itemsOf } from './check.ts';
import { badTokens, createCustomer, type Mint, pairOf } from './customers.ts';
import type { Answer, Send, Sent } from './send.ts';

/** The most requests of a round; each round has two new customers. */
const ROUND = 10_000;
const MOST_FAULTS = 20;

type Options = { calls: number; seed: number; progress?: (done: number) => void };

type Target = {
  send: Send;
  atOnce: number;
  /** Makes the customers' data. It publishes nothing, so that no function changes the data later. */
  planting: Send;
  dynamo: DynamoDBDocumentClient;
  table: string;
  mint: Mint;
};

/** `answers` counts the answers to the attacker by their status; `faults` must be empty. */
export type Report = {
  seed: number;
  calls: number;
  twins: number;
  answers: Record<string, number>;
  faults: string[];
};

/** One customer attacks another by `calls` requests, between which the other one uses their own data. */
export async function fuzz(target: Target, { calls, seed, progress }: Options): Promise<Report> {
  const report: Report = { seed, calls: 0, twins: 0, answers: {}, faults: [] };
  const rounds = Math.max(Math.ceil(calls / ROUND), 4);
  for (let round = 0; round < rounds && report.faults.length < MOST_FAULTS; round += 1) {
    const random = createRandom(seed + round);
    const count = Math.ceil((calls - report.calls) / (rounds - round));
    await fuzzRound(target, { random, round: (seed % 8) + round, count }, report);
    progress?.(report.calls);
  }
  return report;
}

type Round = { random: Random; round: number; count: number };

async function fuzzRound(target: Target, { random, round, count }: Round, report: Report) {
  const { send, planting, dynamo, table, mint } = target;
  const [ownId, otherId] = pairOf(round);
  const place = { send: planting, mint, dynamo, table };
  const other = await createCustomer(place, otherId, ownId);
  const before = await itemsOf(dynamo, table);
  const own = await createCustomer(place, ownId, otherId);
  const parties: Parties = { own, other, bad: await badTokens(mint, ownId, otherId) };
  const say = (sent: Sent, faults: string[]) => {
    for (const fault of faults) report.faults.push(short(`${JSON.stringify(sent)} ${fault}`));
  };

  async function attack() {
    const one = attackOf(random, parties);
    const answer = await send(one.sent);
    report.calls += 1;
    report.answers[answer.status] = (report.answers[answer.status] ?? 0) + 1;
    say(one.sent, faultsOf(one, answer, parties));
    learn(answer, parties);
    const same = report.calls % 4 === 0 ? twinOf(one, parties) : undefined;
    if (!same) return;
    const answers = [await send(one.sent), await send(same.attack.sent)] as const;
    report.twins += 1;
    const difference = differenceOf(answers, [same.order, same.twin]);
    if (difference) say(one.sent, [difference]);
  }

  async function use() {
    const sent = ownUse(random, parties);
    say(sent, faultsOfOwn(await send(sent), parties));
  }

  const steps = Array.from({ length: count }, (_, i) => i);
  await pool(steps, target.atOnce, async (i) => {
    if (report.faults.length >= MOST_FAULTS) return;
    await attack();
    if (i % 20 === 0) await use();
  });
  // `before` holds the items of the other customer, and those of earlier rounds' customers, whom
  // nobody calls now.
  report.faults.push(...changesOf(before, await itemsOf(dynamo, table), other));
}

/** The attacker's own orders and cursors are used for further requests. */
function learn({ text, status }: Answer, { own }: Parties): void {
  if (status >= 300 || !text.startsWith('{"success":true')) return;
  const { data, nextCursor } = JSON.parse(text);
  if (typeof nextCursor === 'string' && own.cursors.length < 50) own.cursors.push(nextCursor);
  if (status === 201 && own.orders.length < 50) own.orders.push(data.id);
}

function ownUse(random: Random, { other }: Parties): Sent {
  const id = encodeURIComponent(other.id);
  const order = pick(random, other.orders);
  const path = pick(random, [
    `/api/orders/${order}`,
    `/api/orders/${order}/events`,
    `/api/orders/customer/${id}`,
    `/api/customers/${id}/preferences`,
    '/api/notifications',
  ]);
  const query = path === '/api/notifications' ? ([['orderId', order]] as const) : [];
  return { method: 'GET', path, query, headers: [['authorization', pick(random, other.tokens)]] };
}

/** Replaces each token by its claims. */
function short(text: string): string {
  return text.replaceAll(/eyJ[\w-]+\.([\w-]+)\.[\w-]*/g, (_, claims) =>
    Buffer.from(claims, 'base64url').toString(),
  );
}
