/** The function, at an endpoint like Lambda's: it succeeds, fails, fails in part, answers late or never. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaEvent } from '../../event.ts';
import type { Random } from '../../testing/random.ts';
import type { Checker, Delivered } from './checker.ts';
import { delivered } from './topic.ts';

export const MOODS = [
  'well',
  'slow',
  'throws',
  'partial',
  'odd answers',
  'throttled',
  'cut off',
  'times out',
] as const;
export type Mood = (typeof MOODS)[number];

export interface FunctionOptions {
  readonly checker: Checker;
  readonly random: Random;
  readonly trace: (line: string) => void;
  /** Whether the mapping has ReportBatchItemFailures: else a partial answer is a success. */
  readonly isPartial: boolean;
}

interface Answer {
  readonly status?: number;
  readonly functionError?: string;
  readonly body?: unknown;
  readonly done: readonly Delivered[];
}

const SLOW_MS = 1_500;

export class LambdaFunction implements AsyncDisposable {
  #mood: Mood = 'well';
  /** Whether every invocation fails, whatever the mood. */
  #isBroken = false;
  readonly #options: FunctionOptions;
  readonly #server: http.Server;

  constructor(options: FunctionOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
  }

  become(mood: Mood): void {
    this.#mood = mood;
  }

  setBroken(isBroken: boolean): void {
    this.#isBroken = isBroken;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { checker, trace } = this.#options;
    // The name of the function is the name of the process that invokes it.
    const by = decodeURIComponent(request.url?.split('/')[3] ?? '');
    const mood = this.#mood;
    let records: readonly Delivered[];
    try {
      records = recordsOf(await text(request));
    } catch {
      return; // The caller has ended in the middle of its request.
    }
    const invocation = checker.begun(by, records);
    let isOver = false;
    const end = (heard?: readonly Delivered[]) => {
      if (!isOver) checker.ended(invocation, heard);
      isOver = true;
    };
    // A caller that has gone away does not hear the answer, and no record counts as done.
    response.on('close', () => end());
    const { status = 200, functionError, body, done } = await this.#answer(mood, records, response);
    trace(`${by} ${mood} ${rangesOf(records)}: ${isOver ? 'unheard' : `${done.length} done`}`);
    if (isOver) return;
    end(done);
    if (functionError) response.setHeader('x-amz-function-error', functionError);
    response.writeHead(status).end(JSON.stringify(body ?? null));
  }

  async #answer(
    mood: Mood,
    records: readonly Delivered[],
    response: http.ServerResponse,
  ): Promise<Answer> {
    const { random, isPartial } = this.#options;
    const success: Answer = { done: records };
    const failure: Answer = {
      functionError: 'Unhandled',
      body: { errorMessage: 'thrown' },
      done: [],
    };
    if (this.#isBroken) return failure;
    // Each bad mood lets some invocations succeed, so that something is committed meanwhile.
    const isWell = mood === 'well' || random.chance(0.4);
    await sleep(random.between(0, mood === 'slow' ? SLOW_MS : 15));
    if (isWell || mood === 'slow') return success;
    switch (mood) {
      case 'throws':
        return failure;
      case 'partial': {
        const failed = new Set(records.filter(() => random.chance(0.3)));
        const body = { batchItemFailures: [...failed].map(identifierOf) };
        return { body, done: isPartial ? records.filter((one) => !failed.has(one)) : records };
      }
      case 'odd answers': {
        const [partition, offset] = ['none-0', random.between(0, 9)];
        const body = random.pick<unknown>([
          'text',
          { batchItemFailures: [{ itemIdentifier: { partition, offset } }] },
          { batchItemFailures: 'none' },
        ]);
        return { body, done: isPartial ? [] : records };
      }
      case 'throttled':
        return { status: random.pick([429, 500, 503]), body: { message: 'not now' }, done: [] };
      case 'cut off':
        response.destroy();
        return { done: [] };
      case 'times out':
        await once(response, 'close');
        return { done: [] };
    }
  }
}

const topics = new WeakMap<Delivered, string>();

function recordsOf(body: string): Delivered[] {
  const event = JSON.parse(body) as KafkaEvent;
  return Object.values(event.records)
    .flat()
    .map(({ topic, partition, offset, value = '' }) => {
      const record = delivered(partition, offset, Buffer.from(value, 'base64').toString());
      topics.set(record, topic);
      return record;
    });
}

function identifierOf(record: Delivered) {
  const { partition, offset } = record;
  return { itemIdentifier: { partition: `${topics.get(record)}-${partition}`, offset } };
}

/** Such as `0/1 5-9`: the generation, the partition, and the first and last offset. */
function rangesOf(records: readonly Delivered[]): string {
  const groups = Map.groupBy(records, ({ generation, partition }) => `${generation}/${partition}`);
  return [...groups]
    .map(([key, group]) => `${key} ${group[0]?.offset}-${group.at(-1)?.offset}(${group.length})`)
    .join(', ');
}
