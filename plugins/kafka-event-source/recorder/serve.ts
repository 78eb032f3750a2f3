/** The work of the recorder's threads: writes the store, or answers questions from it. */
import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '../log.ts';
import type { FromWriter, StoreOptions, ToWriter } from './ops.ts';
import { Reader } from './reader.ts';
import { faultOfVersion, openForReading } from './schema.ts';
import type { RecorderReader } from './types.ts';
import { Writer } from './writer.ts';

/** The work of a thread. */
export type Role =
  | { readonly role: 'write'; readonly options: StoreOptions }
  | { readonly role: 'read'; readonly file: string };

export interface Question {
  readonly id: number;
  readonly ask: keyof RecorderReader | 'about';
  readonly about: unknown;
}

export type Reply = { readonly id: number } & (
  | { readonly answer: unknown }
  | { readonly problem: string }
);

const IDLE_MS = 1_000;

/** Does the work that is asked for through the port, until the port is closed. */
export function serve(role: Role, port: MessagePort): void {
  if (role.role === 'write') write(role.options, port);
  else read(role.file, port);
}

function write(options: StoreOptions, port: MessagePort): void {
  const tell = (message: FromWriter) => port.postMessage(message);
  let writer: Writer;
  try {
    writer = new Writer(options, () => tell({ kind: 'deleted' }));
  } catch (error) {
    tell({ kind: 'unusable', problem: messageOf(error) });
    port.close();
    return;
  }
  tell({ kind: 'opened' });
  /** Removes in small steps, between which operations are written. */
  const removeSome = () => {
    try {
      if (writer.trim(Date.now())) setImmediate(removeSome);
    } catch {
      // Another process has locked the store; the next time removes more.
    }
  };
  const idle = setInterval(removeSome, IDLE_MS);
  port.on('message', (message: ToWriter) => {
    if (message.kind === 'close') {
      clearInterval(idle);
      writer.close();
      tell({ kind: 'closed' });
      port.close();
      return;
    }
    if (message.kind === 'hide') {
      const { id, mapping, texts } = message;
      tell({ kind: 'hidden', id, texts: writer.hide(mapping, texts) });
      return;
    }
    const start = performance.now();
    try {
      const changed = writer.write(message.ops, message.isWatched);
      writer.shrink();
      tell({ kind: 'written', ms: performance.now() - start, ...(changed && { changed }) });
    } catch (error) {
      tell({ kind: 'written', ms: performance.now() - start, problem: messageOf(error) });
    }
    removeSome();
  });
}

function read(file: string, port: MessagePort): void {
  let store: { readonly reader: Reader; readonly fault: string | undefined } | undefined;
  port.on('message', ({ id, ask, about }: Question) => {
    try {
      store ??= openStore(file);
      const { reader, fault } = store;
      // Each version has the facts about an import, so that the list names it.
      if (fault !== undefined && ask !== 'about') {
        throw new Error(`${file} cannot be used: ${fault}. Export it again, and import that.`);
      }
      // The names of questions are the reader's methods.
      const answer = reader[ask](about as never);
      port.postMessage({ id, answer } satisfies Reply);
    } catch (error) {
      port.postMessage({ id, problem: messageOf(error) } satisfies Reply);
    }
  });
}

function openStore(file: string) {
  const db = openForReading(file);
  return { reader: new Reader(db), fault: faultOfVersion(db) };
}
