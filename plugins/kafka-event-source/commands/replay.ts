/** Runs the invocations of an export again, and compares the answers with the recorded ones. */
import type { KafkaEvent } from '../event.ts';
import type { Invoker } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import { messageOf } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { Privacy } from '../recorder/privacy.ts';
import { answerOf } from '../recorder/track.ts';
import type { Invocation, InvocationState, InvocationSummary, Page } from '../recorder/types.ts';

export interface ReplayOptions {
  readonly reader: {
    invocations(query: {
      functionKey?: string;
      cursor?: string;
      limit: number;
    }): Page<InvocationSummary>;
    invocation(id: string): Invocation | undefined;
  };
  /** The mappings of this machine. */
  readonly mappings: readonly Mapping[];
  readonly invokerOf: (mapping: Mapping) => Invoker;
  /** The event as Kafka has it. @throws Error that says why it cannot be read */
  readonly readAgain: (mapping: Mapping, invocation: Invocation) => Promise<string>;
  /** The private fields of this machine's settings. */
  readonly private: readonly string[];
  readonly functionKey?: string | undefined;
  readonly invocation?: string | undefined;
}

/** One invocation of the export, and its answer here. */
export interface Replayed {
  readonly id: string;
  readonly functionKey: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly records: number;
  readonly outcome: 'same' | 'differs' | 'leftOut';
  /** The event that was sent: as it was recorded, from Kafka, or with placeholders of private values. */
  readonly event?: 'recorded' | 'kafka' | 'placeholders';
  /** The recorded answer, and the one here. */
  readonly was?: string;
  readonly now?: string;
  /** Why it was left out, or has placeholders. */
  readonly why?: string;
}

/** These have an answer of the function. */
const ANSWERED: readonly InvocationState[] = ['succeeded', 'partial', 'failed', 'timedOut'];
const PAGE = 200;

/**
 * Runs the invocations one after another, the oldest first: later ones may need what earlier ones wrote.
 *
 * @throws Error if the endpoint of a function cannot be reached
 */
export async function* replay(options: ReplayOptions): AsyncGenerator<Replayed> {
  const { reader, mappings, invokerOf, invocation: only } = options;
  const invokers = new Map<string, Invoker>();
  try {
    for (const { id } of only === undefined ? oldestFirst(options) : [{ id: only }]) {
      const one = reader.invocation(id);
      if (!one) throw new Error(`The export has no invocation ${id}.`);
      const mapping =
        mappings.find(({ uuid }) => uuid === one.mapping) ?? ofFunction(one, mappings);
      const reason = reasonToLeaveOut(one, mapping);
      if (!mapping || reason !== undefined) {
        yield { ...factsOf(one), outcome: 'leftOut', why: reason ?? '' };
        continue;
      }
      const invoker = invokers.get(mapping.uuid) ?? invokerOf(mapping);
      invokers.set(mapping.uuid, invoker);
      yield await replayOne(one, mapping, invoker, options);
    }
  } finally {
    for (const invoker of invokers.values()) invoker.close();
  }
}

function oldestFirst({ reader, functionKey }: ReplayOptions): InvocationSummary[] {
  const found: InvocationSummary[] = [];
  for (let cursor: string | undefined; ; ) {
    const { items, next } = reader.invocations({
      limit: PAGE,
      ...(functionKey !== undefined && { functionKey }),
      ...(cursor !== undefined && { cursor }),
    });
    found.push(...items);
    if (next === undefined) return found.reverse();
    cursor = next;
  }
}

/** The mapping of another stage or template that has the same function and topic. */
function ofFunction({ functionKey, recordIds }: Invocation, mappings: readonly Mapping[]) {
  const topic = recordIds[0]?.topic;
  return mappings.find((one) => one.functionKey === functionKey && one.topic === topic);
}

function reasonToLeaveOut(one: Invocation, mapping: Mapping | undefined): string | undefined {
  if (one.originalId !== undefined) return 'it was run again by hand';
  if (!ANSWERED.includes(one.state)) return `its function gave no answer (${one.state})`;
  if (one.payload === undefined) return 'its records were no longer kept when it was exported';
  return mapping ? undefined : `the function ${one.functionKey} has no such mapping here`;
}

async function replayOne(
  one: Invocation,
  mapping: Mapping,
  invoker: Invoker,
  options: ReplayOptions,
): Promise<Replayed> {
  const { payload, ...event } = await eventOf(one, mapping, options);
  const startedAt = Date.now();
  const result = await invoker.invoke(Buffer.from(payload));
  if (result.kind === 'notReached') {
    throw new Error(
      `The function ${one.functionKey} was not reached: ${result.message}. Start the functions, or name ` +
        'their address by --endpoint.',
    );
  }
  const was = describe(one);
  const now = describe(shown(result, startedAt, payload, options.private));
  return { ...factsOf(one), ...event, outcome: was === now ? 'same' : 'differs', was, now };
}

/** The event to send. One without its private values is read from Kafka, while Kafka has it. */
async function eventOf(
  one: Invocation,
  mapping: Mapping,
  { readAgain }: ReplayOptions,
): Promise<{ payload: string } & Pick<Replayed, 'event' | 'why'>> {
  const { payload = '', redacted } = one;
  if (!redacted) return { payload, event: 'recorded' };
  try {
    const found = await readAgain(mapping, one);
    if (isSame(found, payload)) return { payload: found, event: 'kafka' };
    throw new Error('Kafka has other records at these offsets');
  } catch (error) {
    return { payload, event: 'placeholders', why: messageOf(error) };
  }
}

/** Whether both events have the same records. Values may be private, times are not. */
function isSame(one: string, other: string): boolean {
  const [times, otherTimes] = [one, other].map((text) =>
    Object.values((JSON.parse(text) as KafkaEvent).records)
      .flat()
      .map(({ topic, partition, offset, timestamp }) =>
        [topic, partition, offset, timestamp].join(),
      )
      .join(' '),
  );
  return times === otherTimes;
}

/** The result as the recorder would keep it: without private values. */
function shown(
  result: InvocationResult,
  startedAt: number,
  payload: string,
  entries: readonly string[],
): Pick<Invocation, 'state' | 'answer'> {
  const reason = result.kind === 'ok' ? undefined : result.message;
  const { state, answer } = answerOf(result, startedAt, reason, false);
  if (answer === undefined) return { state };
  const privacy = new Privacy(entries);
  const secrets = privacy.createSecrets();
  privacy.text(payload, secrets);
  return { state, answer: privacy.text(answer, secrets) };
}

/**
 * An answer as a text that is the same for equal ones. A stack trace has the paths of its machine, and a
 * time-out has the id of its request: neither counts.
 */
function describe({ state, answer }: Pick<Invocation, 'state' | 'answer'>): string {
  if (state === 'timedOut') return 'timed out';
  const value = answer === undefined ? undefined : parse(answer);
  if (state !== 'failed') return `answered ${sorted(value)}`;
  if (value === undefined) return 'failed';
  const { errorType, errorMessage } = Object(value);
  if (typeof errorMessage !== 'string') return `answered ${sorted(value)}`;
  return `failed: ${typeof errorType === 'string' ? `${errorType}: ` : ''}${errorMessage}`;
}

/** JSON whose members are in the order of their names. */
function sorted(value: unknown): string {
  const text = JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
  return text ?? 'nothing';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function factsOf({ id, functionKey, startedAt, records }: Invocation) {
  return { id, functionKey, startedAt, records };
}
