import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { BufferedRecord } from '../../record.ts';
import { bufferedRecord, recorder, sentOf, UUID } from '../support/recorded.ts';

const RECORDS = Number(process.env.RECORDER_RECORDS ?? 60_000);
const BATCH = 1_000;
const TEXT = 'x'.repeat(300);
const MB = 1024 * 1024;
const LIMIT_MB = 10;
/** The outbox, a message on its way, and what V8 has not collected yet. */
const MEMORY_MB = 300;

function bytesOnDisk(folder: string): number {
  const store = join(folder, '.kafka-event-source');
  return readdirSync(store)
    .map((name) => statSync(join(store, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}

test('a flood of records stays within its limits, and keeps those that were not done at once', async () => {
  const made = recorder({ maxMegabytes: LIMIT_MB });
  const { recording, onStep, mapping, folder, warnings } = made;
  await recording.flush();
  const before = process.memoryUsage.rss();
  const most = { memory: 0, bytes: 0 };
  const bad: number[] = [];
  const reason = 'Unhandled: boom';
  try {
    for (let next = 0; next < RECORDS; next += BATCH) {
      const records: BufferedRecord[] = [];
      for (let index = 0; index < BATCH; index += 1) {
        records.push(bufferedRecord(next + index, `{"number":${next + index},"text":"${TEXT}"}`));
      }
      const batch = [{ partition: 0, records }];
      const id = `batch-${next}`;
      onStep({ kind: 'read', partition: 0, records });
      onStep({ kind: 'invoked', id, batch, attempt: 1, payload: sentOf(records, mapping) });
      const one = records.slice(0, 1);
      const isBad = next % (10 * BATCH) === 0;
      const failed = isBad ? [{ partition: 0, records: one }] : [];
      const result = { kind: 'ok', payload: null } as const;
      onStep({ kind: 'answered', id, result, failed, reason: isBad ? reason : undefined });
      if (isBad) {
        const given = { destination: undefined, condition: 'RetriesExhausted', reason };
        onStep({ kind: 'dropped', batch: failed, ...given });
        bad.push(next);
      }
      onStep({ kind: 'committed', partition: 0, next: next + BATCH });
      // As a poller does, whose invocations take a while.
      await turn();
      if (next % (5 * BATCH) === 0) await recording.flush();
      most.memory = Math.max(most.memory, process.memoryUsage.rss() - before);
      most.bytes = Math.max(most.bytes, bytesOnDisk(folder));
    }
    await recording.flush();
    const { kept, onlyCounted, removed } = await recording.counts(UUID);
    const total = Object.values(kept).reduce((sum, number) => sum + number, 0);
    expect(total + onlyCounted + removed).toBe(RECORDS);
    expect(kept.done).toBeGreaterThanOrEqual(10_000);
    expect(removed).toBeGreaterThan(0);
    const { items } = await recording.records({ state: 'dropped', limit: 200 });
    expect(items.map(({ offset }) => Number(offset)).toSorted((a, b) => a - b)).toEqual(bad);
    expect(most.bytes).toBeLessThan(LIMIT_MB * MB);
    expect(most.memory).toBeLessThan(MEMORY_MB * MB);
    if (onlyCounted > 0) expect(warnings[0]).toContain('counts older ones');
    console.info(
      `${RECORDS} records: ${kept.done} done kept, ${onlyCounted} only counted, ${removed} removed; most ` +
        `${(most.bytes / MB).toFixed(1)} MB on disk, ${(most.memory / MB).toFixed(0)} MB of memory more`,
    );
  } finally {
    await recording.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 600_000);
