import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { routesOf } from './terminal.ts';

const run = promisify(execFile);

/** The output of a process that holds its output back while it runs `code`. */
async function printed(code: string): Promise<string> {
  const script = `
    import { holdOutput } from '${import.meta.dirname}/terminal.ts';
    const release = holdOutput();
    ${code}
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
  return stdout;
}

const PRINTS = "console.log('a box'); console.log('Warning: look'); console.log('more');";

test('text that was held back is not printed after the release, but warnings are', async () => {
  expect(await printed(`${PRINTS} release(); console.log('free');`)).toBe('Warning: look\nfree\n');
});

test('a process that ends before the release prints everything', async () => {
  expect(await printed(PRINTS)).toBe('a box\nWarning: look\nmore\n');
});

test('a path has one line with all of its methods', () => {
  const functions = {
    get: { events: [{ httpApi: 'GET /a/{id}' }] },
    put: { events: [{ httpApi: { method: 'PUT', path: '/a/{id}' } }] },
    list: { events: [{ httpApi: 'GET /a' }] },
    rest: { events: [{ httpApi: '*' }] },
    minute: { events: [{ schedule: 'rate(1 minute)' }] },
    idle: {},
  };
  expect(routesOf(functions)).toEqual(['GET PUT  /a/{id}', 'GET      /a']);
});
