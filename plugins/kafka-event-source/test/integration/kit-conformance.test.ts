/** The suite of test/conformance, by the test kit: in memory and on a real broker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { KafkaEvent } from '../../event.ts';
import { type KitOptions, kafkaEventSource, type Source } from '../../testing/testing.ts';
// @ts-expect-error The function is a module without types, as Node and Lambda run it.
import { conform } from '../conformance/function/handler.mjs';
import { type Message, SCENARIOS, type Scenario } from '../conformance/scenarios.ts';
import { FUNCTION, lettersOf, RUN, samTemplate, topicOf } from '../conformance/templates.ts';

const NAME = 'kit';
const TIMEOUT_S = 3;
/** The offset of a group before the start is no part of the kit, which has `restart` for that. */
const PLAYED = SCENARIOS.filter(({ committedBefore }) => committedBefore === undefined);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kes-kit-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(['memory', 'a broker'])('on %s', (ground) => {
  let source: Source;
  let events: KafkaEvent[];

  beforeAll(async () => {
    source = await begun(ground);
    await play(source);
    events = source.invocations(FUNCTION).map(({ event }) => event as KafkaEvent);
  });
  afterAll(() => source?.stop());

  test.each(PLAYED)('$part: $title', async (scenario) => {
    const topic = topicOf(NAME, scenario);
    const committed = source.committed(FUNCTION);
    const offsets = scenario.committed.map((_, partition) => committed[`${topic}-${partition}`]);
    expect(offsets).toEqual(scenario.committed);
    const letters = scenario.hasDestination ? source.records(lettersOf(NAME)) : [];
    scenario.check({
      topic,
      brokers: source.broker?.servers.join(',') ?? 'memory:9092',
      events: events.filter(({ records }) => Object.values(records).flat()[0]?.topic === topic),
      letters: letters.map(({ value }) => value ?? ''),
    });
  });
});

async function begun(ground: string): Promise<Source> {
  const template = join(folder, `${ground}.json`);
  const sam = samTemplate() as { Globals: { Function: object } };
  sam.Globals.Function = { ...sam.Globals.Function, Timeout: TIMEOUT_S };
  await writeFile(template, JSON.stringify(sam));
  const log = await mkdtemp(join(folder, 'log-'));
  const topics = (of: (scenario: Scenario) => unknown) =>
    Object.fromEntries(SCENARIOS.map((one) => [topicOf(NAME, one), of(one)]));
  return kafkaEventSource({
    ...(ground !== 'memory' && { ground: process.env.KAFKA_BROKERS ?? '' }),
    template,
    settings: { parameters: { [RUN]: NAME } },
    functions: {
      [FUNCTION]: {
        handler: conform,
        environment: { CONFORMANCE_LOG: log, CONFORMANCE_HANG_MS: `${TIMEOUT_S * 1_000 + 500}` },
      },
    },
    topics: topics(({ partitions = 1 }) => partitions) as KitOptions['topics'] & object,
    records: topics(({ before }) => before.map(toRecord)) as KitOptions['records'] & object,
    leaks: 'ignore', // The function that hangs has a timer.
  });
}

/** Plays all scenarios at once: their topics are the same source's. */
async function play(source: Source): Promise<void> {
  // The function that hangs is timed out.
  await source.clock.advance(TIMEOUT_S * 1_000 + 500, { whileRunning: true });
  await source.drain();
  for (const scenario of PLAYED) {
    if (scenario.after) {
      await source.produce(topicOf(NAME, scenario), scenario.after.map(toRecord));
    }
  }
  await source.drain();
}

function toRecord({ timestamp, ...message }: Message) {
  return { partition: 0, ...message, ...(timestamp && { timestamp: Number(timestamp) }) };
}
