import { expect, test } from '@jest/globals';
import { readOptions } from './options.ts';

const read = (...args: string[]) => readOptions(args, 'How to use it.', ['--all']);

test('known options are returned', () => {
  expect(read('--all')).toEqual({ help: false, set: new Set(['--all']) });
});

test.each(['--help', '-h', 'help'])('%s asks for help', (argument) => {
  expect(read('--all', argument).help).toBe(true);
});

test.each(['--al', 'all', '', '--all=yes'])('%j is refused, with the help', (argument) => {
  expect(() => read(argument)).toThrow(`Unknown option ${argument}.\nHow to use it.`);
});
