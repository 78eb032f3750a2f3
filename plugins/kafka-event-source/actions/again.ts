/** Runs a recorded invocation again: as it was, edited, one record alone, or the batch without it. */
import { z } from 'zod';
import { RecordsGoneError, readOriginals } from '../commands/originals.ts';
import { RequestError } from '../control/request.ts';
import type { Runtime } from '../control/runtime.ts';
import { PAYLOAD_BYTES } from '../delivery/batch.ts';
import type { EventRecord, KafkaEvent } from '../event.ts';
import type { Invoker } from '../lambda/invoke.ts';
import type { Log } from '../log.ts';
import type { Mapping } from '../mapping.ts';
import { plural } from '../plural.ts';
import type { Invocation, Recorder, RecordId } from '../recorder/types.ts';
import { endsWithin } from '../time.ts';
import { bad } from './error.ts';
import { withKafka } from './kafka.ts';

const STORE_MS = 5_000;

export const againSchema = z
  .strictObject({
    mode: z.enum(['same', 'edited', 'record', 'without']),
    /** The event in the mode `edited`: JSON, as text or as it is. */
    payload: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
    /** The record that runs alone, or is left out. */
    record: z
      .strictObject({
        topic: z.string(),
        partition: z.int().min(0),
        offset: z.coerce.number().int().min(0),
      })
      .optional(),
  })
  .refine(({ mode, payload }) => (mode === 'edited') === (payload !== undefined), {
    path: ['payload'],
    error: 'belongs to the mode "edited", which needs it',
  })
  .refine(
    ({ mode, record }) => (mode === 'record' || mode === 'without') === (record !== undefined),
    { path: ['record'], error: 'belongs to the modes "record" and "without", which need it' },
  );
type AgainWish = z.output<typeof againSchema>;
type Place = NonNullable<AgainWish['record']>;

export interface AgainActions {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly recorder: Recorder | undefined;
  readonly invokerOf: (mapping: Mapping) => Invoker;
  /** Aborted when the emulator ends. */
  readonly ending: AbortSignal;
}

/** The event of a run by hand, and its records. */
interface Run {
  readonly payload: string;
  readonly records: readonly RecordId[];
}

/**
 * Invokes the function, and records the new invocation, which names the old one. No offset moves, no
 * fault applies, and a failure is not tried again.
 *
 * @throws RequestError if the invocation, its mapping or its records are gone, and if the emulator ends meanwhile
 */
export async function runAgain(
  actions: AgainActions,
  id: string,
  wish: AgainWish,
  isDryRun: boolean,
) {
  const { runtime, recorder, invokerOf, log, ending } = actions;
  if (!recorder || recorder.problem !== undefined) {
    throw new RequestError(
      404,
      'NotRecorded',
      `No invocation is recorded: ${recorder?.problem ?? 'remove recorder: false from the settings'}.`,
    );
  }
  const old = await recorder.invocation(id);
  if (!old) {
    throw new RequestError(
      404,
      'NoSuchInvocation',
      `There is no invocation ${id} in the recorder any more.`,
    );
  }
  const mapping = runtime.get(old.mapping)?.mapping;
  if (!mapping) {
    throw new RequestError(
      404,
      'NoSuchMapping',
      `The mapping of this invocation (${old.functionKey}) does not run here any more.`,
    );
  }
  const run = await runOf(mapping, old, wish, log);
  if (isDryRun) return { will: sentence(mapping, old, run, wish) };
  refuseAtEnd(ending);
  const { functionKey } = mapping;
  const recorded = recorder.ranAgain({
    mapping: mapping.uuid,
    functionKey,
    originalId: old.id,
    ...run,
  });
  const invoker = invokerOf(mapping);
  const close = () => invoker.close();
  ending.addEventListener('abort', close);
  try {
    const result = await invoker.invoke(Buffer.from(run.payload), recorded.id);
    // The recorder itself calls a run interrupted that has no result at the end.
    refuseAtEnd(ending);
    recorded.end(result);
    // The answer comes from the recorder, so that private values are left out of it.
    await endsWithin(STORE_MS, recorder.flush());
    const found = await recorder.invocation(recorded.id);
    const { payload: _, ...answer } = found ?? { id: recorded.id, originalId: old.id };
    return { ...answer, originalId: old.id };
  } finally {
    ending.removeEventListener('abort', close);
    close();
  }
}

function refuseAtEnd({ aborted }: AbortSignal): void {
  if (aborted)
    throw new RequestError(503, 'Ended', 'The emulator ends: start it and run this again.');
}

async function runOf(mapping: Mapping, old: Invocation, wish: AgainWish, log: Log): Promise<Run> {
  const { mode, payload, record } = wish;
  if (mode === 'edited') return edited(mapping, payload);
  const records = old.recordIds.filter((one) => {
    if (!record) return true;
    return isPlace(one, record) === (mode === 'record');
  });
  if (record && !old.recordIds.some((one) => isPlace(one, record))) {
    const { topic, partition, offset } = record;
    throw bad(`record: ${topic}-${partition} offset ${offset} was not in this invocation`);
  }
  if (records.length === 0) throw bad('record: it is the only one, so nothing is left without it');
  if (old.payload === undefined || old.redacted) {
    return { records, payload: await readAgain(mapping, records, log) };
  }
  if (!record) return { records, payload: old.payload };
  return { records, payload: chosen(old.payload, records) };
}

function edited(mapping: Mapping, given: AgainWish['payload']): Run {
  const payload = typeof given === 'string' ? given : JSON.stringify(given);
  if (Buffer.byteLength(payload) > PAYLOAD_BYTES) {
    throw new RequestError(
      413,
      'PayloadTooLarge',
      'Lambda takes events of at most 6 MB: make it smaller.',
    );
  }
  let event: unknown;
  try {
    event = JSON.parse(payload);
  } catch (error) {
    throw bad(`payload: is not JSON (${(error as Error).message})`);
  }
  const groups = Object.values(Object(Object(event).records));
  const records = groups.flat().flatMap((one): RecordId[] => {
    const { topic, partition, offset } = Object(one);
    const isRecord =
      typeof topic === 'string' && Number.isInteger(partition) && Number.isInteger(offset);
    return isRecord ? [{ mapping: mapping.uuid, topic, partition, offset: String(offset) }] : [];
  });
  return { payload, records };
}

/** The payload with these records only. */
function chosen(payload: string, records: readonly RecordId[]): string {
  const event = JSON.parse(payload) as KafkaEvent;
  const kept = Object.entries(event.records).flatMap(([key, group]) => {
    const rows = group.filter((one) => records.some((record) => isPlace(record, one)));
    return rows.length > 0 ? [[key, rows] as const] : [];
  });
  return JSON.stringify({ ...event, records: Object.fromEntries(kept) });
}

/**
 * The event from the records in Kafka, where the recorder has no payload, or one without its private
 * values.
 */
function readAgain(mapping: Mapping, records: readonly RecordId[], log: Log): Promise<string> {
  return withKafka(mapping, log, async (admin) => {
    try {
      return await readOriginals(admin, mapping, records);
    } catch (error) {
      if (!(error instanceof RecordsGoneError)) throw error;
      throw new RequestError(
        410,
        'RecordsGone',
        `The recorder has no complete payload, and ${error.message}: run it with an edited payload.`,
      );
    }
  });
}

function isPlace(
  one: Omit<Place, 'offset'> & { offset: string | number },
  other: Place | EventRecord,
) {
  return (
    one.topic === other.topic &&
    one.partition === other.partition &&
    Number(one.offset) === other.offset
  );
}

function sentence(
  { name }: Mapping,
  old: Invocation,
  { records }: Run,
  { mode, record }: AgainWish,
) {
  const place = record && `${record.topic}-${record.partition} offset ${record.offset}`;
  const what = {
    same: 'the same event',
    edited: 'the edited event',
    record: `${place} alone`,
    without: `the batch without ${place}`,
  }[mode];
  return (
    `Calls the function of ${name} with ${what} (${plural(records.length, 'record')}) of invocation ` +
    `${old.requestId ?? old.id}: its effects happen again, no offset moves, and a failure is not tried again.`
  );
}
