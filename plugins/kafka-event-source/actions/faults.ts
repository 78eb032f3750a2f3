/**
 * Faults that a user sets: the next calls of a mapping go wrong, at the place where the engine makes
 * them, so that its own code reacts as to the real fault. They live in the process, and end with it.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { RequestError } from '../control/request.ts';
import type { Destination } from '../destination/destination.ts';
import type { Invoker } from '../lambda/invoke.ts';
import type { InvocationResult } from '../lambda/result.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import { RESULTS, type Registry, RegistryAway } from '../schema/registry.ts';
import { pause } from '../time.ts';

const INVOCATION_KINDS = ['fail', 'timeout', 'throttle', 'partial', 'delay'] as const;
const AWAY_KINDS = ['registryAway', 'destinationAway'] as const;
/** AWS: the longest time limit of a function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAX_DELAY_MS = 15 * 60_000;

type InvocationKind = (typeof INVOCATION_KINDS)[number];
type AwayKind = (typeof AWAY_KINDS)[number];

/** The wish for a fault, without its mapping. */
export const faultSchema = z.strictObject({
  kind: z.enum([...INVOCATION_KINDS, ...AWAY_KINDS]),
  /** The number of calls that go wrong; 1 by default, and without an end for a service that is away. */
  count: z.int().min(1).max(1_000_000).optional(),
  delayMs: z.int().min(1).max(MAX_DELAY_MS).optional(),
});
type Wish = z.output<typeof faultSchema>;

export interface Fault {
  readonly id: string;
  /** The mapping's UUID. */
  readonly mapping: string;
  readonly kind: InvocationKind | AwayKind;
  /** The calls that still go wrong; undefined for all until the fault is ended. */
  readonly left?: number;
  /** The calls that have gone wrong. */
  readonly used: number;
  readonly delayMs?: number;
  /** When it was set, in milliseconds. */
  readonly since: number;
  /** The effect in one sentence. */
  readonly will: string;
}

interface Entry {
  readonly id: string;
  readonly mapping: Mapping;
  readonly kind: Fault['kind'];
  readonly delayMs: number | undefined;
  readonly since: number;
  left: number | undefined;
  used: number;
  /** Delays that have begun and not ended. */
  running: number;
  readonly ended: AbortController;
}

/** Wraps the calls of a mapping, so that its faults take effect. */
export interface FaultySeams {
  invoker(real: Invoker): Invoker;
  registry(real: Registry): Registry;
  destination(real: Destination): Destination;
}

export class Faults {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();

  /** In the order in which they were set: the first one that fits is used first. */
  list(): Fault[] {
    return [...this.#entries.values()].map(faultOf);
  }

  /** Calls the listener when a fault is set, is used, or ends. @returns ends that */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The fault as it would be set. @throws RequestError for a fault that has no effect on the mapping */
  plan(mapping: Mapping, wish: Wish): Fault {
    return faultOf(entryOf(mapping, wish));
  }

  /** @throws RequestError for a fault that has no effect on the mapping */
  set(mapping: Mapping, wish: Wish): Fault {
    const entry = entryOf(mapping, wish);
    this.#entries.set(entry.id, entry);
    this.#tell();
    return faultOf(entry);
  }

  /** Ends a fault, and its delays. @returns undefined if there is none with this id */
  end(id: string): Fault | undefined {
    const entry = this.#entries.get(id);
    if (!entry) return undefined;
    this.#entries.delete(id);
    entry.ended.abort();
    this.#tell();
    return faultOf(entry);
  }

  /** The mapping's calls as the engine makes them. */
  seamsOf({ uuid, timeoutMs }: Pick<Mapping, 'uuid' | 'timeoutMs'>): FaultySeams {
    return {
      invoker: (real) => this.#invoker(uuid, timeoutMs, real),
      registry: ({ find, close }) => ({
        find: async (id) => {
          // A registry that is away looks to AWS like one that cannot be connected to.
          if (this.#take(uuid, ['registryAway'])) {
            throw new RegistryAway(RESULTS.connection, 'switched off by a fault that was set here');
          }
          return find(id);
        },
        close,
      }),
      destination: (real) => ({
        ...real,
        send: async (failure, taken) => {
          if (this.#take(uuid, ['destinationAway'])) {
            throw new Error('switched off by a fault that was set here');
          }
          await real.send(failure, taken);
        },
      }),
    };
  }

  #invoker(uuid: string, timeoutMs: number, real: Invoker): Invoker {
    const closed = new AbortController();
    return {
      invoke: async (payload, id) => {
        const entry = this.#take(uuid, INVOCATION_KINDS);
        if (!entry) return real.invoke(payload, id);
        if (entry.kind === 'delay') {
          await this.#delay(entry, closed.signal);
          // Its records are given back, and their next reader invokes the function with them.
          if (closed.signal.aborted) {
            return { kind: 'notReached', message: 'the mapping has ended' };
          }
          return real.invoke(payload, id);
        }
        if (entry.kind === 'partial') return withOneFailed(payload, await real.invoke(payload, id));
        return withoutFunction(entry.kind, timeoutMs);
      },
      close: () => {
        closed.abort();
        real.close();
      },
    };
  }

  async #delay(entry: Entry, closed: AbortSignal): Promise<void> {
    entry.running += 1;
    await pause(entry.delayMs ?? 0, AbortSignal.any([entry.ended.signal, closed]));
    entry.running -= 1;
    this.#endIfUsedUp(entry);
  }

  /** Uses one call of the mapping's first fault of these kinds. */
  #take(uuid: string, kinds: readonly Fault['kind'][]): Entry | undefined {
    for (const entry of this.#entries.values()) {
      if (entry.mapping.uuid !== uuid || !kinds.includes(entry.kind) || entry.left === 0) continue;
      entry.used += 1;
      if (entry.left !== undefined) entry.left -= 1;
      if (entry.kind !== 'delay') this.#endIfUsedUp(entry);
      this.#tell();
      return entry;
    }
    return undefined;
  }

  #endIfUsedUp(entry: Entry): void {
    if (entry.left !== 0 || entry.running > 0) return;
    this.#entries.delete(entry.id);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function entryOf(mapping: Mapping, { kind, count, delayMs }: Wish): Entry {
  const refuse = (message: string): never => {
    throw new RequestError(400, 'FaultWithoutEffect', `${mapping.name} ${message}`);
  };
  if (kind === 'partial' && !mapping.reportBatchItemFailures) {
    refuse(
      'ignores partial failures: set functionResponseType: ReportBatchItemFailures, or let the ' +
        'invocation fail.',
    );
  }
  if (kind === 'registryAway' && !mapping.schemaRegistry) refuse('has no schema registry.');
  if (kind === 'destinationAway' && !mapping.destination) refuse('has no on-failure destination.');
  if ((kind === 'delay') !== (delayMs !== undefined)) {
    throw new RequestError(
      400,
      'BadRequest',
      'delayMs belongs to the fault "delay", which needs it: the milliseconds by which an ' +
        'invocation begins late.',
    );
  }
  const isAway = AWAY_KINDS.some((one) => one === kind);
  return {
    id: randomUUID(),
    mapping,
    kind,
    delayMs,
    since: Date.now(),
    left: count ?? (isAway ? undefined : 1),
    used: 0,
    running: 0,
    ended: new AbortController(),
  };
}

function faultOf({ id, mapping, kind, left, used, delayMs, since, ...rest }: Entry): Fault {
  return {
    id,
    mapping: mapping.uuid,
    kind,
    ...(left !== undefined && { left }),
    used,
    ...(delayMs !== undefined && { delayMs }),
    since,
    will: sentence(mapping, { kind, left, delayMs, running: rest.running }),
  };
}

function sentence(
  { name, timeoutMs, dropWhenDestinationFails }: Mapping,
  { kind, left, delayMs, running }: Pick<Entry, 'kind' | 'left' | 'delayMs' | 'running'>,
): string {
  if (left === 0 && running > 0)
    return `${plural(running, 'delayed invocation')} of ${name} will begin soon.`;
  const next = left === 1 ? 'The next invocation' : `Each of the next ${left} invocations`;
  const how =
    left === undefined
      ? 'until you end this'
      : left === 1
        ? 'at its next call'
        : `at its next ${left} calls`;
  const drops = dropWhenDestinationFails
    ? 'after three tries a record is dropped, as on AWS'
    : 'records wait for it';
  const texts: Readonly<Record<Fault['kind'], string>> = {
    fail: `${next} of ${name} ends with a function error; the function is not called.`,
    timeout: `${next} of ${name} ends at once with "${timedOut(timeoutMs)}"; the function is not called.`,
    throttle:
      `${next} of ${name} is refused with status 429, which is no attempt, and is tried again; the ` +
      'function is not called.',
    partial:
      `${next} of ${name} calls the function, and then reports the first record of the batch as ` +
      'failed, so that it is delivered again.',
    delay: `${next} of ${name} begins ${delayMs} ms late.`,
    registryAway:
      `The schema registry of ${name} does not answer ${how}; schemas that are loaded already are ` +
      'still used.',
    destinationAway: `The on-failure destination of ${name} takes nothing ${how}; ${drops}.`,
  };
  return texts[kind];
}

/** AWS's words: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html */
function timedOut(timeoutMs: number): string {
  return `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
}

function withoutFunction(kind: string, timeoutMs: number): InvocationResult {
  // AWS: TooManyRequestsException. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
  if (kind === 'throttle') return { kind: 'notReached', message: 'status 429: Rate Exceeded.' };
  const requestId = randomUUID();
  const text =
    kind === 'timeout'
      ? `RequestId: ${requestId} Error: ${timedOut(timeoutMs)}`
      : 'this invocation fails by a fault that was set here; the function was not called';
  const message = `Unhandled: ${text}`;
  return { kind: 'functionError', message, requestId, executedVersion: '$LATEST' };
}

/** The result of a function that reports the first record of the payload, too. */
function withOneFailed(payload: Buffer, result: InvocationResult): InvocationResult {
  if (result.kind !== 'ok') return result;
  const { records } = JSON.parse(payload.toString()) as {
    records: Record<string, { offset: number }[]>;
  };
  const [partition, [first] = []] = Object.entries(records)[0] ?? [];
  const item = { itemIdentifier: { partition, offset: first?.offset } };
  const { batchItemFailures: reported } = Object(result.payload) as { batchItemFailures?: unknown };
  const others = Array.isArray(reported) ? reported : [];
  return { ...result, payload: { batchItemFailures: [item, ...others] } };
}
