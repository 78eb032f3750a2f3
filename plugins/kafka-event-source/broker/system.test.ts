import { win32 } from 'node:path';
import { expect, test } from '@jest/globals';
import { endCommand, signalGroup, startable } from './system.ts';

/** The calls that a signal makes on this system. */
function callsOn(platform: NodeJS.Platform, signal: NodeJS.Signals | 0, isGone = false) {
  const calls: unknown[] = [];
  const note = (...call: unknown[]) => {
    if (isGone) throw new Error('no such process');
    return calls.push(call) > 0;
  };
  const answer = signalGroup(7, signal, { platform, kill: note, run: note });
  return { answer, calls };
}

test.each<[NodeJS.Platform, NodeJS.Signals | 0, unknown[]]>([
  ['linux', 'SIGTERM', [-7, 'SIGTERM']],
  ['darwin', 0, [-7, 0]],
  ['win32', 'SIGTERM', ['taskkill', ['/PID', '7', '/T', '/F']]],
  ['win32', 'SIGKILL', ['taskkill', ['/PID', '7', '/T', '/F']]],
  ['win32', 0, [7, 0]],
])('on %s the signal %s reaches the process and its children', (platform, signal, call) => {
  expect(callsOn(platform, signal)).toEqual({ answer: true, calls: [call] });
  expect(callsOn(platform, signal, true)).toEqual({ answer: false, calls: [] });
});

test('the command that ends a process is that of the system', () => {
  expect([endCommand(7, 'darwin'), endCommand(7, 'win32')]).toEqual([
    'kill 7',
    'taskkill /PID 7 /F',
  ]);
});

test('on Windows a shell starts Maven, with each argument in quotes, and Java is started as it is', () => {
  const pom = win32.join('C:\\Users\\A Name', 'pom.xml');
  expect(startable('mvn', ['-B', '-f', pom], 'win32')).toEqual({
    command: `mvn "-B" "-f" "C:\\Users\\A Name\\pom.xml"`,
    args: [],
    shell: true,
  });
  const plain = { args: ['-f', pom], shell: false };
  expect(startable('java', ['-f', pom], 'win32')).toEqual({ command: 'java', ...plain });
  expect(startable('mvn', ['-f', pom], 'darwin')).toEqual({ command: 'mvn', ...plain });
});
