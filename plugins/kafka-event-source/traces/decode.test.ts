import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { SimpleSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { decodeSpans, ShapeError } from './decode.ts';
import { fromProtobuf, toProtobuf } from './messages.ts';

const LINKED = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: TraceFlags.SAMPLED };

/** The body that OpenTelemetry's own exporter sends for one span. */
async function exported(exporterAt: (url: string) => SpanExporter): Promise<Buffer> {
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(Buffer.concat(await Array.fromAsync(request)));
    response.setHeader('content-type', request.headers['content-type'] ?? '').end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanProcessors: [
      new SimpleSpanProcessor({ exporter: exporterAt(`http://127.0.0.1:${port}/v1/traces`) }),
    ],
  });
  const span = provider.getTracer('test').startSpan('process', {
    kind: SpanKind.CONSUMER,
    startTime: new Date('2026-11-27T10:00:00.123Z'),
    links: [{ context: LINKED }],
    attributes: {
      'faas.invocation_id': 'request-1',
      count: 3,
      ratio: 0.5,
      isCold: true,
      tags: ['a', 'b'],
      empty: '',
      low: -7,
    },
  });
  span.addEvent('waited', { ms: 4 }, new Date('2026-11-27T10:00:00.124Z'));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
  span.end(new Date('2026-11-27T10:00:00.373Z'));
  await provider.forceFlush();
  await provider.shutdown();
  server.close();
  return bodies[0] ?? Buffer.alloc(0);
}

const EXPECTED = {
  traceId: expect.stringMatching(/^[\da-f]{32}$/),
  spanId: expect.stringMatching(/^[\da-f]{16}$/),
  service: 'shop',
  name: 'process',
  kind: 'consumer',
  startedAt: Date.parse('2026-11-27T10:00:00.123Z'),
  durationMs: 250,
  status: 'error',
  message: 'it failed',
  attributes: {
    'faas.invocation_id': 'request-1',
    count: 3,
    ratio: 0.5,
    isCold: true,
    tags: ['a', 'b'],
    empty: '',
    low: -7,
  },
  events: [{ at: Date.parse('2026-11-27T10:00:00.124Z'), name: 'waited', attributes: { ms: 4 } }],
  links: [{ traceId: LINKED.traceId, spanId: LINKED.spanId }],
};

test("a span of OpenTelemetry's JSON exporter is read whole", async () => {
  const body = await exported((url) => new JsonExporter({ url }));
  expect(decodeSpans(JSON.parse(body.toString()))).toEqual({ spans: [EXPECTED], refused: 0 });
});

test("a span of OpenTelemetry's protobuf exporter is read whole", async () => {
  const body = await exported((url) => new ProtobufExporter({ url }));
  const request = await fromProtobuf('ExportTraceServiceRequest', body);
  expect(decodeSpans(request)).toEqual({ spans: [EXPECTED], refused: 0 });
});

const SPAN = {
  traceId: '0A'.repeat(16),
  spanId: '0b'.repeat(8),
  name: 'get',
  startTimeUnixNano: '1000000000',
  endTimeUnixNano: '2500000',
};

const requestOf = (...spans: readonly unknown[]) => ({
  resourceSpans: [{ scopeSpans: [{ spans }] }],
});

const attributesOf = (value: unknown) =>
  decodeSpans(requestOf({ ...SPAN, attributes: [{ key: 'key', value }] })).spans[0]?.attributes;

test('a span that lacks what OTLP demands is refused, and the others are taken', () => {
  const wrong = [
    { ...SPAN, traceId: 'a1' },
    { ...SPAN, traceId: '0'.repeat(32) },
    { ...SPAN, spanId: undefined },
    { ...SPAN, startTimeUnixNano: '0' },
    { ...SPAN, startTimeUnixNano: 'now' },
    { ...SPAN, startTimeUnixNano: '18446744073709551615' },
    'no span',
    null,
  ];
  const { spans, refused, reason } = decodeSpans(requestOf(...wrong, SPAN));
  expect(refused).toBe(wrong.length);
  expect(reason).toBe('traceId must have 16 bytes, not all of them zero');
  // An end before the start is a clock that was set back.
  expect(spans).toMatchObject([{ traceId: '0a'.repeat(16), service: 'unknown', durationMs: 0 }]);
});

test('a request has at most 10 000 spans, and the others are refused unread', () => {
  const many = Array.from({ length: 200_000 }, () => ({}));
  const request = { resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }, { spans: many }] }] };
  expect(decodeSpans(request)).toMatchObject({ spans: [{}], refused: 200_000 });
  const good = Array.from({ length: 10_005 }, () => SPAN);
  const { spans, refused, reason } = decodeSpans(requestOf(...good));
  expect([spans.length, refused, reason]).toEqual([10_000, 5, 'a request has at most 10000 spans']);
});

test.each([
  [7, 'the request must be an object'],
  [{ resourceSpans: {} }, 'resourceSpans must be a list'],
  [{ resourceSpans: [null] }, 'resourceSpans must be an object'],
  [{ resourceSpans: [{ resource: 'shop' }] }, 'resource must be an object'],
  [{ resourceSpans: [{ scopeSpans: [{ spans: 'one' }] }] }, 'spans must be a list'],
])('a request of another shape is refused: %j', (request, why) => {
  expect(() => decodeSpans(request)).toThrow(new ShapeError(why));
});

test('null and absent fields are the same', () => {
  expect(decodeSpans({}).spans).toEqual([]);
  expect(decodeSpans({ resourceSpans: null }).spans).toEqual([]);
  const nulls = {
    attributes: null,
    events: null,
    links: null,
    status: null,
    kind: null,
    name: null,
  };
  expect(decodeSpans(requestOf({ ...SPAN, ...nulls })).spans).toMatchObject([
    { name: '', kind: 'unspecified', status: 'unset', attributes: {}, events: [], links: [] },
  ]);
});

test.each([
  [{ stringValue: '<b>' }, '<b>'],
  [{ intValue: '9007199254740993' }, '9007199254740993'],
  [{ intValue: '-12' }, -12],
  [{ doubleValue: 'NaN' }, 'NaN'],
  [{ doubleValue: 1e300 }, 1e300],
  [{ bytesValue: 'AAE=' }, 'AAE='],
  [{ arrayValue: { values: [{ boolValue: false }, {}] } }, [false, null]],
  [{ kvlistValue: { values: [{ key: 'a', value: { intValue: 1 } }, 3] } }, { a: 1 }],
  [{ arrayValue: {} }, []],
  [{}, null],
  ['text', null],
  [null, null],
])('the value %j is kept as %j', (value, kept) => {
  expect(attributesOf(value)).toEqual({ key: kept });
});

test('a span is cut to what is kept: texts, attributes, depth', () => {
  const long = 'x'.repeat(1_000_000);
  const attributes = Array.from({ length: 500 }, (_, index) => ({
    key: `key ${index}`,
    value: { stringValue: long },
  }));
  const [span] = decodeSpans(requestOf({ ...SPAN, name: long, attributes })).spans;
  expect(JSON.stringify(span).length).toBeLessThan(40_000);
  expect(span?.name).toHaveLength(4_001);
  let deep: unknown = { stringValue: 'bottom' };
  for (let depth = 0; depth < 50; depth += 1) deep = { arrayValue: { values: [deep] } };
  expect(JSON.stringify(attributesOf(deep))).toContain('…');
  const wide = { arrayValue: { values: Array.from({ length: 1e5 }, () => ({ intValue: 1 })) } };
  expect(attributesOf(wide)).toEqual({ key: Array.from({ length: 128 }, () => 1) });
});

test('a name that objects have by themselves is an attribute like others', () => {
  const attributes = ['__proto__', 'constructor', 'toString'].map((key) => ({
    key,
    value: { stringValue: 'own' },
  }));
  const [span] = decodeSpans(requestOf({ ...SPAN, attributes })).spans;
  expect(Object.entries(span?.attributes ?? {})).toEqual(attributes.map(({ key }) => [key, 'own']));
});

test('bytes that are no message, or nested too deep, are an error and no endless work', async () => {
  const read = (bytes: Uint8Array) => fromProtobuf('ExportTraceServiceRequest', bytes);
  // A message that says that it has 2^32 bytes.
  await expect(read(Buffer.from('0affffffff0f', 'hex'))).rejects.toThrow();
  let deep = Buffer.from([0x0a, 0x00]);
  for (let depth = 0; depth < 500; depth += 1) {
    // An AnyValue within an ArrayValue within an AnyValue.
    const length = (bytes: Buffer) =>
      Buffer.from([0x80 | (bytes.length & 0x7f), bytes.length >> 7]);
    const list = Buffer.concat([Buffer.from([0x0a]), length(deep), deep]);
    deep = Buffer.concat([Buffer.from([0x2a]), length(list), list]);
  }
  await expect(
    fromProtobuf('KeyValueList', Buffer.concat([Buffer.from([0x0a]), deep])),
  ).rejects.toThrow();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const found = await read(bytes).catch(() => undefined);
      if (found !== undefined) expect(decodeSpans(found).refused).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 500 },
  );
});

test('any JSON is read or refused, and never breaks the reader', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (span, value) => {
      decodeSpans(requestOf(span, { ...SPAN, attributes: [{ key: 'key', value }] }));
      try {
        decodeSpans(span);
      } catch (error) {
        expect(error).toBeInstanceOf(ShapeError);
      }
    }),
    { numRuns: 500 },
  );
});

test('an answer in protobuf has the fields of OTLP', async () => {
  const partialSuccess = { rejectedSpans: '2', errorMessage: 'why' };
  const bytes = await toProtobuf('ExportTraceServiceResponse', { partialSuccess });
  // Field 1: a message with field 1, the number 2, and field 2, the text.
  expect(bytes.toString('hex')).toBe(`0a07${'0802'}${'1203'}${Buffer.from('why').toString('hex')}`);
});
