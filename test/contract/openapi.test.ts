import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { handler } from '../../functions/docs/handler.ts';
import { codesOf, openApiDocument } from '../../lib/api-docs/openapi.ts';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { page } from '../../lib/api-docs/page.ts';
import { ERRORS } from '../../lib/errors.ts';
import type { Operation } from '../../lib/http/operation.ts';
import type { Route } from '../../lib/http/routes.ts';
import { newOrderSchema } from '../../lib/order/order.ts';
import { httpEvent, lambdaContext } from '../support/http.ts';

const answer = await get('/api/openapi.json');
const document = JSON.parse(answer.body);
const routes = Object.entries(OPERATIONS);

/** Knows the document as `api`, so that its parts are checked as references into it. */
const ajv = new Ajv2020({ strict: false, validateFormats: false, multipleOfPrecision: 6 });
ajv.addSchema({ ...document, $id: 'api:/' });

function faultsOf(pointer: string, value: unknown) {
  const validate = ajv.getSchema(`api:/#/${pointer}`);
  if (!validate) throw new Error(`The document has no ${pointer}.`);
  validate(value);
  return validate.errors;
}

function pointerOf(...parts: string[]): string {
  return parts
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/');
}

async function get(path: string) {
  const result = await handler(httpEvent({ path }), lambdaContext());
  return { headers: result.headers ?? {}, body: result.body ?? '' };
}

test('the document that is served is valid OpenAPI 3.1, and the one that the code makes', async () => {
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  const validator = new Validator();
  expect(await validator.validate(document)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('a route without its operation does not compile, nor does an operation without a route', () => {
  const { 'GET /api/health': health, ...others } = OPERATIONS;
  // @ts-expect-error: here the compiler is the test.
  others satisfies Record<Route, Operation>;
  // @ts-expect-error
  ({ 'GET /api/nothing': health }) satisfies Partial<Record<Route, Operation>>;
  expect(Object.keys(others)).toHaveLength(routes.length - 1);
});

test('a route without its rule does not compile, nor does a rule with a scope that nobody can have', () => {
  const { rule, ...others } = OPERATIONS['GET /api/orders/{id}'];
  // @ts-expect-error
  others satisfies Operation;
  // @ts-expect-error
  ({ ...others, rule: { scope: 'orders:reed', owner: 'found' } }) satisfies Operation;
  expect(rule).toEqual({ scope: 'orders:read', owner: 'found' });
});

test('an operation without data of customers is open; every other one names its scope and its refusals', () => {
  const open: string[] = [];
  for (const [route] of routes) {
    const [method = '', path = ''] = route.split(' ');
    const { security: needs, responses } = document.paths[path][method.toLowerCase()];
    const refuses = ['401', '403', '429'].filter((status) => status in responses);
    expect([route, refuses]).toEqual([route, needs.length === 0 ? [] : ['401', '403', '429']]);
    if (needs.length === 0) open.push(route);
    else {
      const [thing, right] = needs[0].token[0].split(':');
      expect([route, right]).toEqual([route, method === 'GET' ? 'read' : 'write']);
      expect(path.split('/')).toContain(thing);
    }
  }
  expect(open.toSorted()).toEqual([
    'GET /api/docs',
    'GET /api/health',
    'GET /api/openapi.json',
    'GET /api/unsubscribe/{token}',
    'POST /api/unsubscribe/{token}',
  ]);
});

test.each(routes)('the examples of %s keep its schemas', (route, operation) => {
  const [method = '', path = ''] = route.split(' ');
  const at = ['paths', path, method.toLowerCase()];
  const { request, answer: good, input } = operation;
  if (input.body) {
    const schema = pointerOf(...at, 'requestBody', 'content', 'application/json', 'schema');
    expect(faultsOf(schema, request.body)).toBeNull();
    expect(faultsOf(schema, { ...request.body, unknown: 1 })).not.toBeNull();
  }
  for (const part of ['path', 'query', 'headers', 'body'] as const) {
    expect(input[part]?.safeParse(request[part] ?? {}).error).toBeUndefined();
  }
  if (good.example !== undefined) {
    const schema = pointerOf(
      ...[...at, 'responses', String(good.status), 'content', 'application/json', 'schema'],
    );
    expect(faultsOf(schema, good.example)).toBeNull();
    expect(good.schema?.safeParse(good.example).error).toBeUndefined();
    expect(faultsOf(schema, { ...(good.example as object), unknown: 1 })).not.toBeNull();
  }
});

test.each(routes)('%s shows every error that it answers, with an example', (route, operation) => {
  const [method = '', path = ''] = route.split(' ');
  const { responses } = document.paths[path][method.toLowerCase()];
  for (const code of codesOf(operation)) {
    const status = String(ERRORS[code].status);
    const media = 'application/problem+json';
    const { value } = responses[status].content[media].examples[code];
    const at = ['paths', path, method.toLowerCase(), 'responses', status, 'content', media];
    expect(faultsOf(pointerOf(...at, 'schema'), value)).toBeNull();
    expect(faultsOf(pointerOf(...at, 'schema'), { ...value, code: 'CONFIG' })).not.toBeNull();
  }
});

const price = fc.oneof(
  fc.integer({ min: -100, max: 100_000_100 }).map((cents) => cents / 100),
  fc.constantFrom(0, 1_000_000, 1_000_000.01, 0.001, 19.999, '1', null, -0.01),
);
const identifier = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._:@-]{1,128}$/),
  fc.constantFrom('', 'a b', 'ä', 'a'.repeat(129), 7),
);
const body = fc.record(
  {
    customerId: identifier,
    items: fc.array(
      fc.record({
        productId: identifier,
        quantity: fc.oneof(fc.integer({ min: -1, max: 10_001 }), fc.constantFrom(1.5, '1')),
        price,
      }),
      { maxLength: 3 },
    ),
    currency: fc.constantFrom('USD', 'EUR', 'JPY', 'usd', ''),
    contact: fc.constantFrom({}, { email: 'a@b.co' }, { phone: '+1555' }, { email: 'no' }, null),
    unknown: fc.constant(1),
  },
  { requiredKeys: [] },
);
const likelyGood = body.map((of) => ({ customerId: 'c', currency: 'USD', items: of.items }));

test('the schema of a new order takes and refuses the same orders as the API', () => {
  let taken = 0;
  const agrees = (of: unknown) => {
    const { success } = newOrderSchema.safeParse(of);
    taken += Number(success);
    expect([of, faultsOf('components/schemas/NewOrder', of) === null]).toEqual([of, success]);
  };
  fc.assert(fc.property(fc.oneof(body, likelyGood), agrees), { numRuns: 2_000 });
  expect(taken).toBeGreaterThan(20);
});

test('the page explains every code where "type" leads, and every operation', async () => {
  const { body: html, headers } = await get('/api/docs');
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  for (const code of Object.keys(ERRORS)) {
    expect(html).toContain(`id="${code.toLowerCase().replaceAll('_', '-')}"`);
  }
  for (const [, { id }] of routes) expect(html).toContain(`id="${id}"`);
  const targets = [...html.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
  expect(targets.length).toBeGreaterThan(50);
  for (const target of new Set(targets)) expect(html).toContain(`id="${target}"`);
});

test('the page loads and runs nothing, and its policy allows its own style alone', async () => {
  const { body: html, headers } = await get('/api/docs');
  const withoutExamples = html.replaceAll(/<pre>[\s\S]*?<\/pre>/g, '');
  expect(withoutExamples).not.toMatch(
    /https?:|<(script|link|img|iframe|object|form)|\son\w+=|style=/,
  );
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
  const hash = createHash('sha256').update(style).digest('base64');
  expect(headers['content-security-policy']).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
});

test('the page shows every text of the document as text', () => {
  const document = openApiDocument();
  const info = { ...document.info, title: '<b>&"', description: 'a `<i>` b' };
  const shown = page({ ...document, info });
  expect(shown).toContain('<title>&lt;b&gt;&amp;&quot;</title>');
  expect(shown).toContain('<p>a <code>&lt;i&gt;</code> b');
  expect(shown).not.toMatch(/<[bi]>/);
});
