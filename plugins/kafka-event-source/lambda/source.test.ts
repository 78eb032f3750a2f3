import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { declaresCallback, parametersOf } from './source.ts';

test.each([
  ['export function run(event, context, callback) {}', 3],
  ['export async function run({ records = {} }, { awsRequestId }, done) {}', 3],
  ['exports.run = (event, context, callback) => callback();', 3],
  ['module.exports.run = async function named(event, context, callback) {};', 3],
  [
    'export const run = async (event: KafkaEvent, _: Context, done: (e: Error) => void): void => {}',
    3,
  ],
  ['export const run: Handler<A, B> = (event, context, callback) => {}', 3],
  ['export const run = (event = f(")"), context, callback) => {}', 0],
  ['export const run = (event, context) => {}', 2],
  ['export const run = (event, { a = 1, b }, [c, d]) => {}', 3],
  ['export const run = (event, context = {}, callback) => {}', 1],
  ['export const run = () => {}', 0],
  ['export const run = (event, ...others) => {}', 1],
  ['function other(a, b, c) {}\nexport function run(event) {}', 1],
  ['export const run = (event,\n  // the context (unused)\n  context,\n  callback,\n) => {}', 3],
])('%s has %j parameters', (source, number) => {
  expect(parametersOf(source, 'run')).toBe(number);
});

test.each([
  'export const run = event => 1;',
  'export const run = middy((event, context, callback) => {});',
  'export const run = wrap(handler);',
  'export { handler as run };',
  'export const run = (event',
  'export function running(a, b, c) {}',
])('of %s nothing is known', (source) => {
  expect(parametersOf(source, 'run')).toBeUndefined();
});

test("a handler's file is found as serverless-offline finds it", () => {
  const folder = mkdtempSync(join(tmpdir(), 'kes-source-'));
  try {
    writeFileSync(join(folder, 'a.mjs'), 'export function run(event, context, callback) {}');
    writeFileSync(
      join(folder, 'b.ts'),
      'export function run(event: {}, _: {}, done: () => void) {}',
    );
    expect(declaresCallback(folder, 'a.run')).toBe(true);
    expect(declaresCallback(folder, './b.run')).toBe(true);
    expect(declaresCallback(folder, 'a.other')).toBe(false);
    expect(declaresCallback(folder, 'missing.run')).toBe(false);
    expect(declaresCallback(folder, 'a.inner.run')).toBe(false);
    expect(declaresCallback(folder, 'bootstrap')).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
