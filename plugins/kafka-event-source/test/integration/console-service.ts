/** An emulator with its page, in this process, over a topic of the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionsSchema, plainService } from '../../cli/functions.ts';
import { readDefinitions } from '../../definition.ts';
import { Engine } from '../../engine.ts';
import { readOptions } from '../../options.ts';
import { type Bench, failure, type Handler, type Lambda, success, until } from './bench.ts';

/** The value of a record that `refusePoison` fails for. */
export const POISON = 'poison';
const POISON_IN_EVENT = btoa(POISON);

export const refusePoison: Handler = ({ body }) =>
  body.includes(POISON_IN_EVENT) ? failure : success;

export const billsOf = ({ topic }: Bench) => `${topic}-bills`;

/** A function that gets the bills one by one. A bill that fails goes to the dead letters at once. */
export function charging(bench: Bench): object {
  const kafka = {
    topic: billsOf(bench),
    consumerGroupId: `${bench.groupId}-bills`,
    batchSize: 1,
    provisionedPollers: { min: 1, max: 1 },
    maximumRetryAttempts: 0,
    onFailureDestination: `kafka://${bench.topic}-letters`,
  };
  return { events: [{ kafka }] };
}

/** Waits until the service shows so many dead letters. */
export async function untilLetters({ api }: PageService, count: number): Promise<void> {
  await until('the letters', async () => {
    const { items } = (await (await api('/api/letters')).json()) as { items: unknown[] };
    return items.length === count;
  });
}

export interface PageService extends AsyncDisposable {
  /** The address with the token. */
  readonly url: string;
  readonly origin: string;
  readonly token: string;
  readonly engine: Engine;
  /** Calls `/api` as a program does. */
  api(path: string, init?: RequestInit): Promise<Response>;
}

interface PageOptions {
  readonly event?: object;
  readonly functions?: object;
  readonly options?: object;
  /** A folder of an earlier start, which stays; otherwise a new one. */
  readonly folder?: string;
}

/** Starts it with one mapping of `notify`, and others of the given functions. */
export async function startPage(
  bench: Bench,
  lambda: Lambda,
  { event = {}, functions = {}, options = {}, folder: given }: PageOptions = {},
): Promise<PageService> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'kes-page-')));
  const servers = (process.env.KAFKA_BROKERS ?? '').split(',');
  const kafka = { topic: bench.topic, consumerGroupId: bench.groupId, ...event };
  const wanted = functionsSchema.parse({ notify: { events: [{ kafka }] }, ...functions });
  const stage = 'local';
  const service = plainService(wanted, { folder, region: 'us-east-1', stage, servers });
  const settings = readOptions({ apiPort: 0, bootstrapServers: servers, ...options });
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  const log = { error: write, warning: write, notice: write, info: write, debug: () => undefined };
  const engine = await Engine.start(
    {
      service: { ...service, service: 'shop' },
      options: settings,
      definitions: readDefinitions(service, settings),
    },
    { place: { folder, stage }, log, endpoint: lambda.endpoint },
  );
  const [url = ''] = /http:\S+token=\S+/.exec(lines.join('\n')) ?? [];
  const { origin, searchParams } = new URL(url);
  const token = searchParams.get('token') ?? '';
  return {
    url,
    origin,
    token,
    engine,
    api: (path, init = {}) =>
      fetch(`${origin}${path}`, {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...init.headers },
      }),
    async [Symbol.asyncDispose]() {
      await engine.stop();
      if (!given) await rm(folder, { recursive: true });
    },
  };
}
