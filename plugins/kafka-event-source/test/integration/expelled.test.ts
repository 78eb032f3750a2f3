import { createRequire } from 'node:module';
import { expect, jest, test } from '@jest/globals';
import { startPoller } from '../support/poller-process.ts';
import { kill } from '../support/program.ts';
import { Bench, counting, success, until, values } from './bench.ts';

const SESSION_MS = 10_000;
const slowly = async () => {
  await new Promise((resolve) => setTimeout(resolve, 30));
  return success;
};

async function members(bench: Bench): Promise<string[]> {
  const { groups } = await bench.admin.describeGroups([bench.groupId]);
  return groups.flatMap((group) => group.members.map(({ memberId }) => memberId));
}

/** Takes all members out of the group, as its coordinator does with silent ones. */
async function expel(bench: Bench): Promise<void> {
  const require = createRequire(import.meta.url);
  const Cluster = require('kafkajs/src/cluster');
  const createLogger = require('kafkajs/src/loggers');
  const createSocketFactory = require('kafkajs/src/network/socketFactory');
  const cluster = new Cluster({
    logger: createLogger.createLogger({ level: 0, logCreator: () => () => undefined }),
    socketFactory: createSocketFactory(),
    brokers: process.env.KAFKA_BROKERS?.split(','),
    clientId: 'test',
    connectionTimeout: 3_000,
    authenticationTimeout: 3_000,
    retry: { retries: 5 },
  });
  await cluster.connect();
  await cluster.refreshMetadata();
  const { groupId } = bench;
  const coordinator = await cluster.findGroupCoordinator({ groupId });
  for (const memberId of await members(bench)) await coordinator.leaveGroup({ groupId, memberId });
  await cluster.disconnect();
}

test('a process that was suspended longer than its session begins nothing that others have done', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(300);
  const lambda = await bench.lambda(slowly);
  const other = await bench.lambda();
  const child = startPoller(lambda.endpoint, bench.mapping({ batchSize: 5 }), bench.log);
  try {
    const withinMs = 40_000;
    await until('some', () => values(lambda).length >= 20, { withinMs, seen: () => bench.log });
    child.kill('SIGSTOP');
    bench.poll(other, { batchSize: 50 });
    await until('the others', async () => (await bench.committed()) === 300, { withinMs });
    const before = values(lambda);
    const joins = () => bench.log.filter((line) => line.includes('polling')).length;
    const begun = joins();
    child.kill('SIGCONT');
    await until('the join', () => joins() > begun, { withinMs, seen: () => bench.log });
    await bench.produceCount(20, { from: 300 });
    await until('the rest', async () => (await bench.committed()) === 320, { withinMs });
    expect(values(lambda).filter((value) => Number(value) < 300)).toEqual(before);
    expect(new Set([...values(lambda), ...values(other)]).size).toBe(320);
  } finally {
    await kill(child);
  }
}, 120_000);

test.each([-90_000, 90_000, -86_400_000])(
  'with the clock set by %s ms while it is idle it stays a member, and commits',
  async (step) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda();
    await bench.produceCount(3);
    bench.poll(lambda);
    await until('three', async () => (await bench.committed()) === 3);
    const [member] = await members(bench);
    const real = Date.now;
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => real() + step);
    try {
      const begun = performance.now();
      const seen = () => bench.log;
      await until('more than a session', () => performance.now() - begun > SESSION_MS + 3_000, {
        withinMs: 60_000,
      });
      expect(await members(bench)).toEqual([member]);
      await bench.produceCount(3, { from: 3 });
      await until('six', async () => (await bench.committed()) === 6, { seen });
      expect(values(lambda)).toEqual(counting(0, 6));
      // When the clock goes forward, kafkajs takes a request for unanswered, and the log says so.
      const told = bench.log.filter((line) => /^warning(?!.*does not answer)/.test(line));
      expect(told).toEqual([]);
    } finally {
      clock.mockRestore();
    }
  },
);

test.each(['with records', 'idle'])(
  'a member that the group has expelled says so, joins again and goes on: %s',
  async (how) => {
    await using bench = new Bench();
    await bench.createTopic();
    const lambda = await bench.lambda(slowly);
    await bench.produceCount(how === 'idle' ? 1 : 200);
    bench.poll(lambda, { batchSize: 5 });
    await until('the first', async () => (await bench.committed()) > 0);
    const [old] = await members(bench);
    await expel(bench);
    await until('another member', async () => {
      const [current] = await members(bench);
      return current !== undefined && current !== old;
    });
    await bench.produceCount(200, { from: 200 });
    const end = how === 'idle' ? 201 : 400;
    await until('all', async () => (await bench.committed()) === end, {
      seen: () => bench.log.slice(-5),
    });
    const expected = how === 'idle' ? ['0', ...counting(200, 400)] : counting(0, 400);
    expect([...new Set(values(lambda))]).toEqual(expected);
    if (how === 'with records') {
      expect(bench.log.join('\n')).toMatch(/refused a commit: .*Joining the group again/);
    }
  },
);
