import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { type Message, toEventRecord, toPayload } from '../../event.ts';
import type { OnStep } from '../../life.ts';
import type { Mapping } from '../../mapping.ts';
import type { BufferedRecord } from '../../record.ts';
import type { Thread } from '../../recorder/asked.ts';
import { Recording, type RecordingOptions } from '../../recorder/recording.ts';
import { type Role, serve } from '../../recorder/serve.ts';
import { mappingOf } from './mapping.ts';

export const TOPIC = 'orders';
export const UUID = mappingOf(TOPIC, []).uuid;

export function bufferedRecord(
  offset: number,
  value: string | Buffer | null,
  more: Partial<Message> = {},
  partition = 0,
): BufferedRecord {
  const message = {
    key: null,
    value: value === null ? null : Buffer.from(value),
    timestamp: '1700000000000',
    offset: String(offset),
    ...more,
  };
  const json = JSON.stringify(toEventRecord(TOPIC, partition, message));
  const bytes = Buffer.byteLength(json);
  return { offset, next: offset + 1, json, bytes, arrived: 0, timestamp: 1_700_000_000_000 };
}

/** The event with these records of partition 0. */
export function payloadOf(records: readonly BufferedRecord[], mapping: Mapping): string {
  return toPayload(mapping.source, [[`${TOPIC}-0`, records.map(({ json }) => json)]]);
}

/** The same event, as it is sent. */
export function sentOf(records: readonly BufferedRecord[], mapping: Mapping): Buffer {
  return Buffer.from(payloadOf(records, mapping));
}

/** A recorder of one mapping in a folder of its own. */
export function recorder(
  options: Partial<RecordingOptions> = {},
  changes: Partial<Mapping> = {},
): {
  readonly recording: Recording;
  readonly mapping: Mapping;
  readonly onStep: OnStep;
  readonly folder: string;
  readonly warnings: string[];
} {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'recorder-'));
  const warnings: string[] = [];
  const nothing = () => undefined;
  const log = {
    error: nothing,
    warning: (text: string) => void warnings.push(text),
    notice: nothing,
    debug: nothing,
  };
  const recording = new Recording({
    stage: 'dev',
    maxMegabytes: 200,
    maxDays: 7,
    private: [],
    log,
    ...options,
    folder,
  });
  const mapping = mappingOf(TOPIC, ['broker:9092'], changes);
  const onStep = recording.observe(mapping);
  onStep({ kind: 'topic', topicId: 'first' });
  return { recording, mapping, onStep, folder, warnings };
}

/** Does the work of a recorder's thread in the thread of the test, since starting a thread takes long. */
export function startHere(role: Role): Thread {
  const { port1, port2 } = new MessageChannel();
  serve(role, port2);
  const thread = {
    on(name: string, listener: (about: unknown) => void) {
      port1.on(name === 'exit' ? 'close' : name, listener);
      return thread;
    },
    postMessage: (message: unknown) => port1.postMessage(message),
    ref: () => port1.ref(),
    unref: () => port1.unref(),
    async terminate() {
      port1.close();
      return 0;
    },
  };
  return thread as unknown as Thread;
}

/** The files of the store, with the log of changes beside it. */
export function storeFiles(folder: string): { readonly name: string; readonly bytes: Buffer }[] {
  const at = join(folder, '.kafka-event-source');
  return readdirSync(at)
    .filter((name) => name.includes('.sqlite'))
    .map((name) => ({ name, bytes: readFileSync(join(at, name)) }));
}
