import { expect, test } from '@jest/globals';
import type { Process } from '../plugins/kafka-event-source/broker/processes.ts';
import { isBroken, npmAbove } from './npm.ts';

const me = process.ppid;
const find = (...all: Process[]) => {
  return (pid: number) => all.find((process) => process.pid === pid);
};
const shell = { pid: me, parent: 71, command: 'sh -c node local/start.ts' };
const npm = { pid: 71, parent: 70, command: 'npm start' };
const terminal = { pid: 70, parent: 1, command: 'bash' };
const underNpm = { npm_lifecycle_event: 'start' };

test('the chain reaches up to npm and no further', () => {
  expect(npmAbove(underNpm, find(shell, npm, terminal))).toEqual([shell, npm]);
});

test('without npm there is no chain, and nothing to break', () => {
  expect(npmAbove({}, find(shell, npm, terminal))).toEqual([]);
  expect(isBroken([], 1)).toBe(false);
});

test('the chain breaks when npm, or the shell between, has gone', () => {
  const chain = [shell, npm];
  expect(isBroken(chain, me, find(shell, npm))).toBe(false);
  expect(isBroken(chain, me, find({ ...shell, parent: 1 }))).toBe(true);
  expect(isBroken(chain, 1, find(npm))).toBe(true);
});
