import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Reader } from '../../recorder/reader.ts';
import { TOPIC, UUID } from '../support/recorded.ts';

const KILLS = Number(process.env.RECORDER_KILLS ?? 4);
const SCRIPT = join(import.meta.dirname, '../support/recorder-process.ts');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'recorder-killed-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Records until a moment of chance, and ends without a farewell. @returns the end of what is stored */
async function recordUntilKilled(from: number, batches: number, afterMs: number): Promise<number> {
  const child = fork(SCRIPT, [folder, String(from)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let end = from;
  const enough = Promise.withResolvers<void>();
  child.on('message', (stored) => {
    end = Number(stored);
    if (end >= from + batches * 100) enough.resolve();
  });
  const exited = once(child, 'exit');
  await Promise.race([enough.promise, exited]);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return end;
}

test('after a kill at any moment the store is whole, and has all that was stored before', async () => {
  let end = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Sometimes while it writes, sometimes while it removes what is over its limit of size.
    end = await recordUntilKilled(end, 1 + ((kill * 37) % 60), (kill * 7) % 23);
    const db = new DatabaseSync(join(folder, '.kafka-event-source', 'dev.sqlite'));
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    const reader = new Reader(db);
    const last = { mapping: UUID, topic: TOPIC, partition: 0, offset: String(end - 1) };
    const isBad = (end - 100) % 300 === 0;
    expect(reader.record(last)).toMatchObject({ state: isBad ? 'dropped' : 'done', attempts: 1 });
    expect(reader.invocation(`batch-${end - 100}`)?.recordIds).toHaveLength(100);
    db.close();
  }
}, 600_000);
