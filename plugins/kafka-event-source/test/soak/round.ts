/**
 * One round: a topic, a group, up to two members, and faults of all kinds for a while; then a time
 * without faults, in which everything must be done and committed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mapping } from '../../mapping.ts';
import { Random } from '../../testing/random.ts';
import { mappingOf } from '../support/mapping.ts';
import { until } from '../support/until.ts';
import { Checker } from './checker.ts';
import { LambdaFunction, MOODS } from './function.ts';
import { Member } from './member.ts';
import { Topic } from './topic.ts';

export interface RoundOptions {
  readonly brokers: readonly string[];
  readonly seed: number;
  /** How often each fault comes. */
  readonly times: number;
}

export interface RoundReport {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly counts: Checker['counts'];
  readonly faults: Readonly<Record<string, number>>;
  /** What happened, with the milliseconds since the beginning. */
  readonly trace: readonly string[];
}

const TOPIC_FAULTS = [
  'topic made again at once',
  'topic made again later',
  'topic made again, nothing done of it, made again',
  'retention',
  'retention while nobody reads',
  'partitions added',
] as const;
const MEMBER_FAULTS = [
  'restart',
  'suspend',
  'clock set',
  'update',
  'disabled for a while',
  'member joins or leaves',
  'member joins or leaves',
  'kill -9',
] as const;
/** The names in a report of all faults. */
export const FAULTS: readonly string[] = [...new Set([...TOPIC_FAULTS, ...MEMBER_FAULTS])];
type TopicFault = (typeof TOPIC_FAULTS)[number];
type MemberFault = (typeof MEMBER_FAULTS)[number];

/** The shortest that Kafka takes, so that many faults fit into a minute. */
const SESSION_MS = 6_000;
const LAG_LIMIT = 400;
const BURST = 60;
const PARTITION_LIMIT = 6;
/** Long enough for a topic to be made again and filled. */
const NAP_MS = 3_000;
const CALM_MS = 90_000;
const CATCH_UP_MS = 10_000;
const HOUR_MS = 3_600_000;

export async function runRound(options: RoundOptions): Promise<RoundReport> {
  const round = new Round(options);
  return round.run();
}

class Round {
  readonly #options: RoundOptions;
  readonly #began = performance.now();
  readonly #trace: string[] = [];
  readonly #faults: Record<string, number> = {};
  readonly #checker = new Checker();
  readonly #name = `soak-${randomUUID()}`;
  readonly #topic: Topic;
  readonly #function: LambdaFunction;
  readonly #mapping: Mapping;
  #members: Member[] = [];
  #isOver = false;

  constructor(options: RoundOptions) {
    this.#options = options;
    const { brokers } = options;
    const checker = this.#checker;
    const trace = (line: string) => this.#say(line);
    this.#topic = new Topic({ brokers, name: this.#name, groupId: this.#name, checker, trace });
    this.#mapping = this.#mappingOf(this.#random(0));
    const isPartial = this.#mapping.reportBatchItemFailures;
    this.#function = new LambdaFunction({ checker, trace, isPartial, random: this.#random(1) });
  }

  async run(): Promise<RoundReport> {
    const { seed, times } = this.#options;
    const { startingPosition, batchSize, windowMs } = this.#mapping;
    this.#say(`${startingPosition}, batches of ${batchSize}, window ${windowMs} ms`);
    const endpoint = await this.#function.listen();
    this.#members = ['a', 'b'].map((name) => this.#member(name, endpoint));
    try {
      await this.#topic.open(this.#random(2).between(1, 3));
      // LATEST and AT_TIMESTAMP promise nothing of records before the first start.
      await this.#firstStart();
      await this.#together([
        this.#look(),
        this.#produce(this.#random(3)),
        this.#moods(this.#random(4)),
        Promise.all([
          this.#topicFaults(this.#random(5), times),
          this.#memberFaults(this.#random(6), times),
        ]).finally(() => {
          this.#isOver = true;
        }),
      ]);
      await this.#calm(this.#random(7));
    } catch (error) {
      this.#checker.violated(
        `the round broke off: ${error instanceof Error ? error.stack : error}`,
      );
    } finally {
      await Promise.all(this.#members.map((member) => member.kill()));
      await this.#function[Symbol.asyncDispose]();
      await this.#topic.close().catch((error: unknown) => this.#say(`not deleted: ${error}`));
    }
    const { violations, counts } = this.#checker;
    return { seed, violations, counts, faults: this.#faults, trace: this.#trace };
  }

  #mappingOf(random: Random): Mapping {
    return mappingOf(this.#name, this.#options.brokers, {
      groupId: this.#name,
      timeoutMs: 2_000,
      ...this.#settings(random),
      ...random.pick<Partial<Mapping>>([
        { startingPosition: 'TRIM_HORIZON' },
        { startingPosition: 'LATEST' },
        { startingPosition: 'AT_TIMESTAMP', startingTimestampMs: Date.now() - HOUR_MS },
      ]),
      reportBatchItemFailures: random.chance(0.7),
    });
  }

  #settings(random: Random) {
    return {
      batchSize: random.pick([1, 5, 20, 100]),
      windowMs: random.pick([0, 0, 300]),
      bisectBatchOnFunctionError: random.chance(0.3),
    };
  }

  #member(name: string, endpoint: string): Member {
    return new Member({
      name,
      endpoint,
      mapping: this.#mapping,
      sessionMs: SESSION_MS,
      trace: (line) => this.#say(line),
      onDeath: (how) => this.#checker.violated(how),
    });
  }

  async #firstStart(): Promise<void> {
    const [first] = this.#members;
    first?.start();
    await this.#until('polling', () => first?.hasPolled === true);
  }

  async #produce(random: Random): Promise<void> {
    while (!this.#isOver) {
      await sleep(random.between(20, 200));
      if (this.#checker.lag > LAG_LIMIT) continue;
      const partition = random.between(0, this.#checker.partitions - 1);
      await this.#topic.produce(random, partition, random.between(1, 25));
    }
  }

  async #moods(random: Random): Promise<void> {
    while (!this.#isOver) {
      for (const mood of random.shuffled([...MOODS, 'well', 'well'] as const)) {
        if (this.#isOver) break;
        this.#function.become(mood);
        this.#count(`function: ${mood}`);
        await sleep(random.between(300, 2_000));
      }
    }
    this.#function.become('well');
  }

  async #topicFaults(random: Random, times: number): Promise<void> {
    for (const fault of this.#deck(random, TOPIC_FAULTS, times)) {
      await sleep(random.between(500, 4_000));
      if (this.#isOver) return;
      this.#count(fault);
      await this.#toTopic(random, fault);
    }
  }

  #toTopic(random: Random, fault: TopicFault): Promise<void> {
    switch (fault) {
      case 'topic made again at once':
        return this.#makeAgain(random, 0);
      case 'topic made again later':
        return this.#makeAgain(random, random.pick([300, 1_000, 3_000, 7_000]));
      case 'topic made again, nothing done of it, made again':
        return this.#makeAgainUndone(random);
      case 'retention':
        return this.#topic.retain(random);
      case 'retention while nobody reads':
        return this.#passBy(random);
      case 'partitions added':
        return this.#checker.partitions < PARTITION_LIMIT
          ? this.#topic.addPartitions(random)
          : Promise.resolve();
    }
  }

  /**
   * A member's position in a topic without commits must not be used in the next topic, which has as many
   * records by the time at which the members read it.
   */
  async #makeAgainUndone(random: Random): Promise<void> {
    const members = await this.#quiet();
    const running = members.filter(({ isRunning }) => isRunning);
    const partitions = random.between(1, 3);
    this.#function.setBroken(true);
    await this.#topic.makeAgain(random, 0, partitions, 'newly');
    await sleep(random.between(3_000, 5_000));
    const asleep = running.map((one) => one.suspend(NAP_MS));
    await this.#topic.makeAgain(random, 0, partitions);
    await Promise.all(asleep);
    await sleep(random.between(0, 1_000));
    this.#function.setBroken(false);
    if (this.#mapping.startingPosition === 'LATEST') await this.#taken();
    for (const member of members) member.release();
    await this.#caughtUp();
  }

  /** Retention passes the committed offsets while no member runs. */
  async #passBy(random: Random): Promise<void> {
    const stopped = await this.#quiet();
    const running = stopped.filter(({ isRunning }) => isRunning);
    await Promise.all(running.map((one) => (random.chance(0.5) ? one.stop() : one.kill())));
    await this.#topic.passBy(random);
    for (const member of running) member.start();
    for (const member of stopped) member.release();
    await this.#caughtUp();
  }

  /** Waits until the function has done all present records, but not for long: it may be failing. */
  async #caughtUp(): Promise<void> {
    const partitions = Array.from({ length: this.#checker.partitions }, (_, one) => one);
    const ends = partitions.map((one) => this.#checker.end(one));
    const isDone = () => ends.every((end, one) => this.#checker.settled(one) >= end);
    await this.#until('', isDone, CATCH_UP_MS).catch(() => undefined);
  }

  #taken(): Promise<void> {
    return this.#until('the new topic taken', () => this.#checker.isTaken);
  }

  /** Waits until no fault is at work on the members and one of them polls, and marks them all busy. */
  async #quiet(): Promise<readonly Member[]> {
    await this.#until(
      'members that have polled',
      () =>
        this.#members.some((one) => one.isRunning) &&
        this.#members.every((one) => !one.isBusy && (one.hasPolled || !one.isRunning)),
    );
    for (const member of this.#members) member.take();
    return this.#members;
  }

  async #makeAgain(random: Random, afterMs: number): Promise<void> {
    const partitions = random.between(1, 3);
    if (this.#mapping.startingPosition !== 'LATEST') {
      return this.#topic.makeAgain(random, afterMs, partitions);
    }
    // Kafka forgets the group's offsets with the topic. To a member that starts meanwhile the new topic is
    // any topic, and LATEST promises nothing of the records before its start.
    const members = await this.#quiet();
    await this.#topic.makeAgain(random, afterMs, partitions);
    await this.#taken();
    for (const member of members) member.release();
  }

  /** Faults overlap, each on another member: a fault begins on a member on which none is at work. */
  async #memberFaults(random: Random, times: number): Promise<void> {
    const running: Promise<void>[] = [];
    for (const fault of this.#deck(random, MEMBER_FAULTS, times)) {
      await sleep(random.between(300, 3_000));
      const [, second] = this.#members;
      const isSecond = fault === 'member joins or leaves';
      const victim = isSecond ? second : random.pick([this.#members[0], second]);
      const isThere = (one: Member | undefined) =>
        one && !one.isBusy && (isSecond || one.isRunning);
      const free = [victim, ...(isSecond ? [] : this.#members)];
      await this.#until(`a member for ${fault}`, () => free.some(isThere));
      const member = free.find(isThere);
      if (this.#isOver || !member) break;
      this.#count(fault);
      running.push(this.#toMember(random, fault, member));
    }
    await Promise.all(running);
  }

  async #toMember(random: Random, fault: MemberFault, member: Member): Promise<void> {
    member.take();
    this.#say(`${fault} of ${this.#members.indexOf(member) === 0 ? 'a' : 'b'}`);
    try {
      await this.#strike(random, fault, member);
    } finally {
      member.release();
    }
  }

  async #strike(random: Random, fault: MemberFault, member: Member): Promise<void> {
    const pauseMs = random.between(0, 2_500);
    switch (fault) {
      case 'restart':
        await member.stop();
        await sleep(pauseMs);
        return member.start();
      case 'kill -9':
        await member.kill();
        await sleep(pauseMs);
        return member.start();
      case 'suspend':
        return this.#suspend(random, member);
      case 'clock set': {
        const ms = random.pick([-24 * HOUR_MS, -90_000, -5_000, 5_000, 90_000, 24 * HOUR_MS]);
        await member.setClock(ms);
        await sleep(pauseMs * 3);
        return member.setClock(0);
      }
      case 'update':
        this.#function.become('slow');
        await this.#burst(random);
        return member.update(this.#settings(random));
      case 'disabled for a while':
        await this.#burst(random);
        await member.update({ enabled: false });
        await sleep(pauseMs);
        return member.update({ enabled: true });
      case 'member joins or leaves':
        if (!member.isRunning) return member.start();
        return random.chance(0.3) ? member.kill() : member.stop();
    }
  }

  /** Suspends a member, mostly for longer than its session; another one does its records meanwhile. */
  async #suspend(random: Random, member: Member): Promise<void> {
    const other = this.#members.find((one) => one !== member && !one.isBusy);
    if (other) other.take();
    if (!other?.isRunning) other?.start();
    const both = [member, ...(other ? [other] : [])];
    await this.#until('members that have polled', () => both.every((one) => one.hasPolled));
    await this.#burst(random);
    const awake = member.suspend(SESSION_MS + random.between(-1_000, 3_000));
    this.#checker.suspended(member.processName);
    await awake;
    if (other) other.release();
  }

  /** Writes so many records that some are in flight and in buffers for a while. */
  async #burst(random: Random): Promise<void> {
    for (let one = 0; one < this.#checker.partitions; one += 1) {
      await this.#topic.produce(random, one, BURST);
    }
    await this.#until('', () => this.#checker.isInvoking, CATCH_UP_MS).catch(() => undefined);
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await this.#topic.look();
      await sleep(200);
    }
  }

  /** Without faults: one more record for each partition must be done and committed, like all others. */
  async #calm(random: Random): Promise<void> {
    this.#say('calm');
    const [first] = this.#members;
    if (!first?.isRunning) first?.start();
    for (let one = 0; one < this.#checker.partitions; one += 1) {
      await this.#topic.produce(random, one, 1);
    }
    try {
      await this.#until('all records done and committed', async () => {
        const isOld = await this.#topic.look();
        return this.#checker.isSettled && !isOld;
      });
    } catch (error) {
      this.#checker.violated(String(error));
    }
    this.#checker.finished();
    this.#say('settled');
    await Promise.all(this.#members.map((member) => member.stop()));
    await this.#topic.look();
  }

  /** Works until all of it has ended; the first error ends the rest. */
  async #together(works: readonly Promise<unknown>[]): Promise<void> {
    const ended = works.map((work) =>
      work.catch((error: unknown) => {
        this.#isOver = true;
        throw error;
      }),
    );
    const [failed] = (await Promise.allSettled(ended)).filter(
      ({ status }) => status === 'rejected',
    );
    if (failed?.status === 'rejected') throw failed.reason;
  }

  #deck<T>(random: Random, faults: readonly T[], times: number): T[] {
    return Array.from({ length: times }, () => random.shuffled(faults)).flat();
  }

  /** Each kind of choice has a seed of its own, so that the timing of other kinds does not change it. */
  #random(kind: number): Random {
    return new Random(this.#options.seed * 1_000 + kind);
  }

  #count(fault: string): void {
    this.#faults[fault] = (this.#faults[fault] ?? 0) + 1;
  }

  #say(line: string): void {
    this.#trace.push(`${Math.round(performance.now() - this.#began)} ${line}`);
  }

  async #until(
    what: string,
    isSo: () => boolean | Promise<boolean>,
    limitMs = CALM_MS,
  ): Promise<void> {
    await until(what, async () => (await isSo()) || undefined, limitMs);
  }
}
