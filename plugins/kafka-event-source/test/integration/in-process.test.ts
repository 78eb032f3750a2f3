import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';

const HANDLER = `
let calls = 0;
export const handler = async (event, context) => {
  if (event.way === 'counts') return { calls: ++calls, client: context.clientContext ?? null };
  if (event.way === 'echoes') return event;
  if (event.way === 'throws') throw new RangeError('thrown by the test');
  if (event.way === 'throws a text') throw 'a text';
  if (event.way === 'is long') return 'x'.repeat(6_291_556);
  if (event.way === 'hangs') return new Promise((resolve) => setTimeout(resolve, 30_000));
  if (event.way === 'ends') process.exit(3);
  const { kill } = await import('node:process');
  if (event.way === 'kills its process') process.kill(process.pid);
  if (event.way === 'kills its group') kill(-process.pid, 'SIGKILL');
  if (event.way === 'interrupts itself') kill(process.pid, 2);
  if (event.way === 'hears its signal') {
    const heard = new Promise((resolve) => process.once('SIGTERM', resolve));
    return [process.kill(process.pid, 'SIGTERM'), await heard];
  }
  if (event.way === 'asks for itself') return process.kill(process.pid, 0);
  if (event.way === 'sends no signal') process.kill(process.pid, 'SIGNONE');
  return event.answer;
};`;

const ANSWERS = [
  null,
  0,
  false,
  'text',
  [],
  { batchItemFailures: [{ itemIdentifier: 'ü\u2028' }] },
];
const WAYS = [
  'throws',
  'throws a text',
  'is long',
  'ends',
  'kills its process',
  'kills its group',
  'interrupts itself',
  'sends no signal',
];
const EVENTS: readonly object[] = [
  ...ANSWERS.map((answer) => ({ answer })),
  { way: 'hears its signal' },
  { way: 'asks for itself' },
  ...WAYS.map((way) => ({ way })),
];

interface Printed {
  /** The results over HTTP and in process of each event. */
  readonly both: readonly (readonly [object, object])[];
  readonly echoed: unknown;
  readonly counted: readonly unknown[];
  readonly asked: readonly string[];
  readonly unknown: { readonly message: string };
  readonly notJson: readonly object[];
  readonly texts: readonly object[];
  readonly logged: readonly string[];
  readonly late: object;
  readonly closed: object;
}
let printed: Printed;

// In a process of its own: members of Node's modules are replaced in all of it.
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kes-in-process-'));
  await writeFile(join(folder, 'handler.mjs'), HANDLER);
  const at = (file: string) => JSON.stringify(join(ROOT, file));
  const script = `
    import { createInProcessInvoker } from ${at('lambda/in-process.ts')};
    import { createInvoker } from ${at('lambda/invoke.ts')};
    import { startFunctions } from ${at('test/support/offline-functions.ts')};
    const handlers = { first: 'handler.handler', second: 'handler.handler' };
    const offline = await startFunctions(${JSON.stringify(folder)}, handlers);
    const { endpoint, functions } = offline;
    const asked = [];
    const logged = [];
    const invokerOf = (functionName, timeoutMs = 20_000) => {
      const http = createInvoker({ endpoint, functionName, timeoutMs });
      const counting = {
        invoke: (payload, id) => (asked.push(functionName), http.invoke(payload, id)),
        close: http.close,
      };
      const log = { error: (line) => logged.push(line) };
      return { http, own: createInProcessInvoker({ functions, functionName, timeoutMs, http: counting, log }) };
    };
    const { http, own } = invokerOf('first');
    const count = '{"way":"counts"}';
    const counted = [await own.invoke(Buffer.from(count), 'an id')];
    await fetch(endpoint + '/2015-03-31/functions/first/invocations', {
      method: 'POST', body: count,
      headers: { 'x-amz-client-context': Buffer.from('{"a":1}').toString('base64') },
    });
    counted.push(await own.invoke(Buffer.from(count)));
    await offline.callAsOther('first');
    counted.push(await own.invoke(Buffer.from(count)));
    const echo = { way: 'echoes', text: 'ü€\u{1F600}', list: [1.5, null, { a: {} }] };
    const second = invokerOf('second');
    const echoed = [await second.own.invoke(Buffer.from(JSON.stringify(echo))), await second.own.invoke(Buffer.from(JSON.stringify(echo)))];
    const both = [];
    for (const event of ${JSON.stringify(EVENTS)}) {
      const payload = Buffer.from(JSON.stringify(event));
      both.push([await http.invoke(payload), await own.invoke(payload)]);
    }
    const notJson = [];
    for (const payload of ['{', count]) notJson.push(await second.own.invoke(Buffer.from(payload)));
    const texts = [];
    for (const answer of ['a "b"', '']) texts.push(await own.invoke(Buffer.from(JSON.stringify({ answer }))));
    const unknown = await invokerOf('unknown').own.invoke(Buffer.from('{}'));
    const late = await invokerOf('first', 300).own.invoke(Buffer.from('{"way":"hangs"}'));
    const ending = invokerOf('first').own;
    const hanging = ending.invoke(Buffer.from('{"way":"hangs"}'));
    setTimeout(ending.close, 300);
    const closed = await hanging;
    console.log(JSON.stringify({ both, echoed, counted, asked, notJson, texts, logged, unknown, late, closed }));
    process.exit();`;
  // Not by --eval, whose options its worker threads would take over.
  const main = join(folder, 'main.mjs');
  await writeFile(main, script);
  const { stdout } = await promisify(execFile)(process.execPath, [main], {
    maxBuffer: 64 * 1024 * 1024,
    timeout: 50_000,
  });
  printed = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  await rm(folder, { recursive: true });
}, 60_000);

/** A result without the lines of a stack, which name the files that the call has passed. */
const withoutStack = (result: object) =>
  JSON.parse(JSON.stringify(result).replace(/,\\"trace\\":\[.*?\](?=\}")/, ''));

test.each(EVENTS.map((event, index) => [JSON.stringify(event), index] as const))(
  'the result for %s is that of a call over HTTP',
  (_, index) => {
    const [http, own] = printed.both[index] ?? [];
    expect(withoutStack(own ?? {})).toEqual(withoutStack(http ?? {}));
  },
);

test('the failures are those of the function, in its words', () => {
  const results = printed.both.slice(-WAYS.length).map(([, own]) => own);
  expect(results).toMatchObject([
    { kind: 'functionError', message: 'Unhandled: thrown by the test' },
    { kind: 'functionError', message: 'Unhandled: a text' },
    { kind: 'functionError', message: expect.stringContaining('Response payload size exceeded') },
    { kind: 'functionError', message: 'Unhandled: Runtime exited with error: exit status 3' },
    { kind: 'functionError', message: 'Unhandled: Runtime exited with error: exit status 143' },
    { kind: 'functionError', message: 'Unhandled: Runtime exited with error: exit status 137' },
    { kind: 'functionError', message: 'Unhandled: Runtime exited with error: exit status 130' },
    { kind: 'functionError', message: 'Unhandled: Unknown signal: SIGNONE' },
  ]);
});

test('a handler that listens to its signal goes on, and one that asks whether it runs hears yes', () => {
  const [heard, asked] = printed.both.slice(ANSWERS.length, -WAYS.length).map(([, own]) => own);
  expect(heard).toEqual({ kind: 'ok', payload: [true, 'SIGTERM'] });
  expect(asked).toEqual({ kind: 'ok', payload: true });
});

test('a call that fails is logged in the words of the HTTP server', () => {
  const words = "Unhandled Lambda Error during invoke of 'first': ";
  expect(printed.logged.slice(0, 2)).toEqual([
    `${words}RangeError: thrown by the test`,
    `${words}Error: a text`,
  ]);
});

test('an answer that is a text stays that text, as on AWS', () => {
  expect(printed.texts).toEqual(['a "b"', ''].map((payload) => ({ kind: 'ok', payload })));
});

test('an event that is not JSON fails its call alone, and the error says so', () => {
  expect(printed.notJson).toMatchObject([
    {
      kind: 'functionError',
      message: expect.stringMatching(/^Unhandled: The event is not JSON: .*at position 1/),
    },
    { kind: 'ok', payload: { calls: 1 } },
  ]);
});

test('the handler gets the event as it was sent, at the first call of an instance and later', () => {
  const payload = { way: 'echoes', text: 'ü€\u{1F600}', list: [1.5, null, { a: {} }] };
  expect(printed.echoed).toMatchObject([
    { kind: 'ok', payload },
    { kind: 'ok', payload },
  ]);
});

test('an instance is used again, without the client context of another call, and after a call of another plugin', () => {
  expect(printed.counted).toMatchObject([
    { payload: { calls: 1, client: null } },
    { payload: { calls: 3, client: null } },
    { payload: { calls: 4, client: null } },
  ]);
});

test('HTTP takes the first call of all, which shows the functions, and calls of unknown functions', () => {
  expect(printed.asked).toEqual(['first', 'unknown']);
  expect(printed.unknown.message).toContain('status 404');
});

test('a call ends at its time limit, and with its invoker', () => {
  expect(printed.late).toEqual({
    kind: 'functionError',
    message: 'no answer from first within 300 ms',
  });
  expect(printed.closed).toMatchObject({ kind: 'notReached' });
});
