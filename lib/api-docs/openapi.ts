import * as z from 'zod';
import { ERRORS, type ErrorCode } from '../errors.ts';
import type { AnswerHeader } from '../http/answer.ts';
import type { Schemas } from '../http/input.ts';
import type { Operation } from '../http/operation.ts';
import { OPERATE } from '../identity/caller.ts';
import type { Rule } from '../identity/rule.ts';
import { newOrderSchema, orderSchema } from '../order/order.ts';
import { OPENAPI_VERSION } from './api.ts';
import { HEADERS } from './headers.ts';
import { OPERATIONS } from './operations.ts';
import { problemExample, problemSchema } from './problem.ts';

/** A JSON Schema in OpenAPI 3.1's dialect, or any other object of the document. */
export type Json = { [key: string]: unknown };

const PROBLEM = 'application/problem+json';
/** The name of the security scheme. */
const TOKEN = 'token';
const JSON_TYPE = 'application/json';

/** The errors that any request with a JSON body may get. */
const OF_A_BODY = [
  'BODY_MISSING',
  'BODY_NOT_JSON',
  'BODY_TOO_LARGE',
  'CONTENT_TYPE',
] as const satisfies ErrorCode[];

/** The errors that any request may get that is not open to all. */
const OF_A_CALLER = [
  'TOKEN_MISSING',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'TOO_MANY_REQUESTS',
  'KEYS_AWAY',
  'KEY_UNKNOWN',
] as const satisfies ErrorCode[];

const shared = z.registry<{ id: string }>();
shared.add(orderSchema, { id: 'Order' });
shared.add(newOrderSchema, { id: 'NewOrder' });
shared.add(problemSchema, { id: 'Problem' });
for (const { id, input, answer } of Object.values(OPERATIONS)) {
  const name = `${id[0]?.toUpperCase()}${id.slice(1)}`;
  if (answer.schema) shared.add(answer.schema, { id: `${name}Answer` });
  if (input.body && !shared.has(input.body)) shared.add(input.body, { id: `${name}Body` });
}

/** The API as OpenAPI 3.1, made from the schemas that check requests. */
export function openApiDocument() {
  return {
    openapi: OPENAPI_VERSION,
    info: {
      title: 'Orders',
      version: '1.0.0',
      summary: 'Place orders and follow them.',
      description:
        'Every refusal and failure is `application/problem+json` (RFC 9457); its `type` leads to the advice. Unknown fields ' +
        'are refused by name. Times are ISO 8601 in UTC, versions count the changes of an order from 1. Every address answers ' +
        'a method that it does not take with 405 and `Allow`. Every operation that is not open needs a bearer token, ' +
        'unless the service was started with `AUTH=off`. A customer uses their own data; an operator (scope ' +
        `\`${OPERATE}\`) uses all; any other program needs the scope that the operation names. Behind a gateway that checks ` +
        'tokens itself, a missing or refused token gets 401 from the gateway, in its own format.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The server of this document.' }],
    paths: pathsOf(OPERATIONS),
    components: {
      schemas: sharedSchemas(),
      headers: Object.fromEntries(
        Object.entries(HEADERS).map(([name, header]) => [
          name,
          { ...header, schema: schemaOf(header.schema) },
        ]),
      ),
      securitySchemes: {
        [TOKEN]: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description:
            'An access token. Programs that are no customer need the scope of the operation.',
        },
      },
      responses: {
        RouteNotFound: problemResponse(404, ['ROUTE_NOT_FOUND']),
        MethodNotAllowed: problemResponse(405, ['METHOD_NOT_ALLOWED']),
      },
    },
  };
}

/** Every error code of an operation. */
export function codesOf({ rule, input, refusals }: Operation): ErrorCode[] {
  return [
    ...codesOfRule(rule),
    ...(input.body ? OF_A_BODY : []),
    ...(canBreakRules(input) ? (['VALIDATION'] as const) : []),
    ...refusals,
    'INTERNAL',
  ];
}

function codesOfRule(rule: Rule): ErrorCode[] {
  if (rule === 'open') return [];
  if (rule === 'known') return OF_A_CALLER;
  const isNamed = rule.owner !== 'found';
  return [...OF_A_CALLER, 'SCOPE_MISSING', ...(isNamed ? (['NOT_YOURS'] as const) : [])];
}

/** In OpenAPI, an empty list says that the operation needs no token. */
function securityOf(rule: Rule): Json[] {
  if (rule === 'open') return [];
  return [{ [TOKEN]: rule === 'known' ? [] : [rule.scope] }];
}

function pathsOf(operations: Record<string, Operation>): Record<string, Json> {
  const paths: Record<string, Json> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = '', path = ''] = route.split(' ');
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(operation) };
  }
  return paths;
}

function operationOf(operation: Operation): Json {
  const { id, summary, description, rule, input, request } = operation;
  const parameters = [
    ...parametersOf('path', input.path, request.path),
    ...parametersOf('query', input.query, request.query),
    ...parametersOf('header', input.headers, request.headers),
  ];
  return {
    operationId: id,
    summary,
    description,
    security: securityOf(rule),
    ...(parameters.length > 0 && { parameters }),
    ...(input.body && {
      requestBody: {
        required: true,
        content: { [JSON_TYPE]: { schema: schemaOf(input.body), example: request.body } },
      },
    }),
    responses: responsesOf(operation),
  };
}

function parametersOf(
  place: 'path' | 'query' | 'header',
  schema: z.ZodType | undefined,
  examples: Record<string, string> = {},
): Json[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries<z.ZodType>(schema.shape).map(([name, field]) => {
    const { description, ...rules } = schemaOf(field, 'output');
    const example = examples[name];
    return {
      name: place === 'header' ? titleCase(name) : name,
      in: place,
      required: place === 'path' || !field.safeParse(undefined).success,
      ...(description !== undefined && { description }),
      schema: rules,
      ...(example !== undefined && {
        example: rules.type === 'integer' ? Number(example) : example,
      }),
    };
  });
}

function responsesOf(operation: Operation): Json {
  const { answer, links } = operation;
  const codes = Map.groupBy(codesOf(operation), (code) => ERRORS[code].status);
  const media = {
    ...(answer.schema && { schema: schemaOf(answer.schema) }),
    ...(answer.example !== undefined && { example: answer.example }),
  };
  const refusals = [...codes].toSorted(([a], [b]) => a - b);
  return {
    [answer.status]: {
      description: answer.description,
      ...headersOf(answer.headers),
      content: { [answer.mediaType ?? JSON_TYPE]: media },
      ...(links && { links }),
    },
    ...Object.fromEntries(refusals.map(([status, of]) => [status, problemResponse(status, of)])),
  };
}

function problemResponse(status: number, codes: ErrorCode[]): Json {
  const narrower = { status: { const: status }, code: { enum: codes } };
  return {
    description: codes.map((code) => `\`${code}\`: ${ERRORS[code].title}.`).join(' '),
    ...headersOf(headersOfProblem(status, codes)),
    content: {
      [PROBLEM]: {
        schema: { allOf: [reference('Problem'), { properties: narrower }] },
        examples: Object.fromEntries(
          codes.map((code) => [code, { summary: ERRORS[code].title, value: problemExample(code) }]),
        ),
      },
    },
  };
}

function headersOfProblem(status: number, codes: ErrorCode[]): AnswerHeader[] {
  if (status === 401) return ['WWW-Authenticate'];
  if (status === 405) return ['Allow'];
  if (status === 429) return ['Retry-After'];
  const passes = status === 409 && codes.every((code) => ERRORS[code].retriable);
  return status === 503 || passes ? ['Retry-After'] : [];
}

function headersOf(names: readonly AnswerHeader[] = []): Json {
  if (names.length === 0) return {};
  const entries = names.map((name) => [name, { $ref: `#/components/headers/${name}` }]);
  return { headers: Object.fromEntries(entries) };
}

/** An operation can answer VALIDATION only if a field refuses some text: any order id is merely unknown. */
function canBreakRules({ path, query, headers, body }: Schemas): boolean {
  const fields = [path, headers].flatMap((part) =>
    part instanceof z.ZodObject ? Object.values<z.ZodType>(part.shape) : [],
  );
  const refuses = fields.some((field) => !field.safeParse('\u0000').success);
  return refuses || query !== undefined || body !== undefined;
}

/** A schema in the document: a reference if the schema is shared. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'input'): Json {
  const name = shared.get(schema)?.id;
  if (name) return reference(name);
  const { $schema, ...rules } = z.toJSONSchema(schema, { io, override: plain });
  return rules;
}

function sharedSchemas(): Json {
  const { schemas } = z.toJSONSchema(shared, { io: 'input', uri: addressOf, override: plain });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, ...rules }]) => [name, rules]),
  );
}

/** Leaves out a time's pattern, which only repeats its format. */
function plain({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
}

function reference(name: string): Json {
  return { $ref: addressOf(name) };
}

function addressOf(name: string): string {
  return `#/components/schemas/${name}`;
}

function titleCase(header: string): string {
  return header.replace(/(^|-)([a-z])/g, (_, dash, letter) => dash + letter.toUpperCase());
}
