import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { newAccess } from '../control/guard.ts';
import { type ControlServer, startServer } from '../control/server.ts';
import type { TraceSpan } from '../recorder/types.ts';
import { fromProtobuf, toProtobuf } from './messages.ts';
import { type TracesOptions, tracesRoute } from './route.ts';

const SPAN = {
  traceId: '0a'.repeat(16),
  spanId: '0b'.repeat(8),
  name: 'get',
  startTimeUnixNano: '1000000000',
};
const REQUEST = { resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }] }] };
const JSON_TYPE = { 'content-type': 'application/json' };
const PROTOBUF_TYPE = { 'content-type': 'application/x-protobuf' };

let server: ControlServer | undefined;
let taken: TraceSpan[];

beforeEach(() => {
  taken = [];
});

afterEach(() => server?.close());

async function start(changes: Partial<TracesOptions> = {}, isShared = false): Promise<string> {
  const access = newAccess({ isShared, allowChanges: false });
  const recorder = {
    problem: undefined,
    addSpans: (spans: readonly TraceSpan[]) => {
      taken.push(...spans);
      return true;
    },
  };
  const route = tracesRoute({ recorder, ...(isShared && { access }), ...changes });
  const place = { folder: import.meta.dirname, stage: 'test' };
  server = await startServer(0, place, [route], { access });
  token = access.token;
  return `${server.url}/v1/traces`;
}

let token = '';

const post = (url: string, body: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
  fetch(url, { method: 'POST', body: Buffer.from(body), headers });

const protobufOf = (
  message: object,
  type: 'ExportTraceServiceRequest' | 'Span' = 'ExportTraceServiceRequest',
) =>
  toProtobuf(
    type,
    JSON.parse(JSON.stringify(message), (key, value) =>
      key.endsWith('Id') ? Buffer.from(value, 'hex') : value,
    ),
  );

test('spans are taken in JSON and in protobuf, packed or not, and the answer has their type', async () => {
  const url = await start();
  const [json, protobuf] = [JSON.stringify(REQUEST), await protobufOf(REQUEST)];
  for (const [body, type] of [
    [json, JSON_TYPE],
    [json, { 'content-type': 'Application/JSON; charset=utf-8' }],
    [gzipSync(json), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    [protobuf, PROTOBUF_TYPE],
    [gzipSync(protobuf), { ...PROTOBUF_TYPE, 'content-encoding': 'gzip' }],
  ] as const) {
    const answer = await post(url, body, type);
    expect(answer.status).toBe(200);
    const isJson = type['content-type'] !== PROTOBUF_TYPE['content-type'];
    expect(answer.headers.get('content-type')).toBe(
      isJson ? 'application/json' : 'application/x-protobuf',
    );
    expect(await answer.text()).toBe(isJson ? '{}' : '');
  }
  expect(taken).toHaveLength(5);
  expect(new Set(taken.map(({ traceId, name }) => `${traceId} ${name}`)).size).toBe(1);
});

test('refused spans are counted in the answer', async () => {
  const url = await start();
  const spans = [SPAN, { ...SPAN, traceId: 'ff' }, { ...SPAN, startTimeUnixNano: '0' }];
  const request = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
  const json = await post(url, JSON.stringify(request));
  const errorMessage = 'traceId must have 16 bytes, not all of them zero';
  const partialSuccess = { rejectedSpans: '2', errorMessage };
  expect(await json.json()).toEqual({ partialSuccess });
  const protobuf = await post(url, await protobufOf(request), PROTOBUF_TYPE);
  const body = Buffer.from(await protobuf.arrayBuffer());
  expect(await fromProtobuf('ExportTraceServiceResponse', body)).toEqual({ partialSuccess });
  expect(taken).toHaveLength(2);
});

test.each([
  ['without a recorder', undefined, 'Nothing is recorded: the setting recorder is false.'],
  [
    'with a store of another version',
    { problem: 'it is newer', addSpans: () => true },
    'Nothing is recorded: it is newer.',
  ],
  [
    'in a flood',
    { problem: undefined, addSpans: () => false },
    'Nothing is recorded: the recorder does not keep pace.',
  ],
])(
  '%s all spans are refused, and the sender need not send them again',
  async (_, recorder, why) => {
    const url = await start({ recorder });
    const answer = await post(url, JSON.stringify(REQUEST));
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { partialSuccess: { rejectedSpans: '1', errorMessage: why } },
    ]);
  },
);

test.each([
  ['no JSON', '{', JSON_TYPE, 400, 3],
  ['JSON of another shape', '{"resourceSpans": 7}', JSON_TYPE, 400, 3],
  ['no protobuf', '\u000a\u00ff', PROTOBUF_TYPE, 400, 3],
  ['no gzip', 'plain', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 400, 3],
  ['another type', 'x', { 'content-type': 'text/plain' }, 415, 12],
  ['another encoding', 'x', { ...JSON_TYPE, 'content-encoding': 'br' }, 415, 12],
  [
    'more than 7 MB unpacked',
    gzipSync(Buffer.alloc(10_000_000, ' ')),
    { ...JSON_TYPE, 'content-encoding': 'gzip' },
    413,
    8,
  ],
])('%s is refused with a status of its own encoding', async (_, body, headers, status, code) => {
  const url = await start();
  const answer = await post(url, body, headers as Record<string, string>);
  expect(answer.status).toBe(status);
  const isProtobuf = headers === PROTOBUF_TYPE;
  const said = isProtobuf
    ? await fromProtobuf('Status', Buffer.from(await answer.arrayBuffer()))
    : await answer.json();
  expect(said).toEqual({ code, message: expect.stringMatching(/\S/) });
  expect(taken).toEqual([]);
});

test('a body of 10 MB is refused with 413, which its sender can read', async () => {
  const url = await start();
  const answer = await post(url, Buffer.alloc(10_000_000, ' '));
  expect([answer.status, await answer.json()]).toMatchObject([
    413,
    { message: expect.stringMatching(/7 MB/) },
  ]);
  expect((await post(url, JSON.stringify(REQUEST))).status).toBe(200);
});

test('spans need no token, but a page of another origin is refused, and another method', async () => {
  const url = await start();
  const body = JSON.stringify(REQUEST);
  for (const headers of [
    { origin: 'https://example.com' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ]) {
    expect((await post(url, body, { ...JSON_TYPE, ...headers } as never)).status).toBe(403);
  }
  const read = await fetch(url);
  expect([read.status, read.headers.get('allow')]).toEqual([405, 'POST']);
  expect(taken).toEqual([]);
});

test('a server that other machines can reach takes spans with its token only', async () => {
  const url = await start({}, true);
  const body = JSON.stringify(REQUEST);
  expect((await post(url, body)).status).toBe(401);
  const own = { ...JSON_TYPE, authorization: `Bearer ${token}` };
  expect((await post(url, body, own)).status).toBe(200);
});

/** A field of protobuf with a length, by the byte of its tag. */
function field(tag: number, content: Buffer): Buffer {
  const length = (rest: number): number[] =>
    rest < 0x80 ? [rest] : [0x80 | (rest & 0x7f), ...length(rest >> 7)];
  return Buffer.concat([Buffer.from([tag, ...length(content.length)]), content]);
}

/** A request with these spans, which are JSON between commas. */
const inJson = (spans: string) => `{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`;
/** A request with these spans, each a field of its own. */
const inProtobuf = (spans: Buffer) => field(0x0a, field(0x12, spans));

test('a request of more parts than exporters send is refused unread, in either encoding', async () => {
  const url = await start();
  const many = 500_001;
  const empty = (tag: number) => Buffer.concat(Array(many).fill(field(tag, Buffer.alloc(0))));
  const requests: [string | Buffer, Record<string, string>][] = [
    [inJson(Array(many).fill('{}').join()), JSON_TYPE],
    [inJson(`{"attributes":[${Array(many).fill('[]').join()}]}`), JSON_TYPE],
    [inProtobuf(empty(0x12)), PROTOBUF_TYPE],
    [inProtobuf(field(0x12, empty(0x4a))), PROTOBUF_TYPE],
  ];
  for (const [body, headers] of requests) {
    for (const packed of [false, true]) {
      const answer = packed
        ? await post(url, gzipSync(body), { ...headers, 'content-encoding': 'gzip' })
        : await post(url, body, headers);
      expect(answer.status).toBe(413);
      const bytes = Buffer.from(await answer.arrayBuffer());
      const message =
        headers === JSON_TYPE ? JSON.parse(bytes.toString()) : await fromProtobuf('Status', bytes);
      expect(message).toEqual({
        code: 8,
        message: expect.stringMatching(/more than 500000 .*: send fewer spans at a time\.$/),
      });
    }
  }
  expect(taken).toEqual([]);
});

test("a collector's request of 8 192 spans with 15 attributes each is taken, in either encoding", async () => {
  const url = await start();
  const attributes = Array.from({ length: 15 }, (_, index) => ({
    key: `k${index}`,
    value: { intValue: '1' },
  }));
  const span = { ...SPAN, attributes };
  const spans = Array(8_192).fill(JSON.stringify(span)).join();
  expect((await post(url, inJson(spans))).status).toBe(200);
  const spanField = field(0x12, await protobufOf(span, 'Span'));
  const protobuf = inProtobuf(Buffer.concat(Array(8_192).fill(spanField)));
  expect((await post(url, protobuf, PROTOBUF_TYPE)).status).toBe(200);
  expect(taken).toHaveLength(2 * 8_192);
  expect(Object.keys(taken.at(-1)?.attributes ?? {})).toHaveLength(15);
});
