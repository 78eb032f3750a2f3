import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { systemLogWriter } from './writer.ts';

const mapping = { uuid: 'u', name: 'notify (orders)' };
const record = (timestamp: string) => ({
  eventType: 'ESM_PROCESSING_EVENT' as const,
  timestamp: Date.parse(timestamp),
  logLevel: 'WARN' as const,
});
const [first, second, third] = [
  record('2026-11-27T10:00:00Z'),
  record('2026-11-27T11:00:00Z'),
  record('2026-11-28T00:00:00Z'),
];

const silent = { notice: () => undefined, warning: () => undefined };

/** The log's lines after one record. */
function written(to: string): string[] {
  const lines: string[] = [];
  const log = {
    notice: (text: string) => void lines.push(text),
    warning: (text: string) => void lines.push(`warning: ${text}`),
  };
  systemLogWriter(to, log)(mapping)(first);
  return lines;
}

test('records go to the log, or nowhere', () => {
  expect(written('log')).toEqual([JSON.stringify(first)]);
  expect(written('off')).toEqual([]);
});

test('in a folder each day has a file with the name of its stream, with a record on each line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'system-log-'));
  try {
    const write = systemLogWriter(folder, silent)(mapping);
    for (const one of [first, second, third]) write(one);
    const lines = (day: string) =>
      readFileSync(join(folder, day, 'u'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    expect(lines('2026/11/27')).toEqual([first, second]);
    expect(lines('2026/11/28')).toEqual([third]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a folder that cannot be written is reported', () => {
  const folder = mkdtempSync(join(tmpdir(), 'system-log-'));
  try {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(written(file)).toEqual([
      expect.stringMatching(
        /^warning: notify \(orders\): its system log cannot be written: .*ENOTDIR/,
      ),
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
