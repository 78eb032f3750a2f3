// The matrix of operations and callers, made of the table of operations: a new operation is in it.
import { exportSPKI, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { v7 as uuidV7 } from 'uuid';
import { OPERATIONS } from '../../lib/api-docs/operations.ts';
import { ERRORS } from '../../lib/errors.ts';
import type { Operation } from '../../lib/http/operation.ts';
import { OPERATE, SCOPES } from '../../lib/identity/caller.ts';
import { eventOf } from '../../lib/order/events.ts';
import { firstVersion } from '../../lib/order/order.ts';
import type { OrderBench } from './orders.ts';
import { AUDIENCE, createSigner, type Signer } from './tokens.ts';

/** The customer whose data every request of the matrix is about. */
export const OWNER = 'owner-1';

type Refusal = 'TOKEN_MISSING' | 'TOKEN_INVALID' | 'TOKEN_EXPIRED';
type Is = { refused: Refusal } | 'owner' | 'stranger' | 'operator' | { scopes: readonly string[] };

/** A caller, and the header by which they call. */
export type Row = { name: string; authorization?: string; is: Is };

/** The tokens that are refused would make an operator if they were not. */
export async function rowsOf(signer: Signer, issuer: string): Promise<Row[]> {
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now - 60, exp: now + 3600 };
  const claims = (more: JWTPayload) => ({ iss: issuer, aud: AUDIENCE, ...times, ...more });
  const operator = (more: JWTPayload = {}) => claims({ sub: 'desk', scope: OPERATE, ...more });
  const forger = await createSigner(signer.alg, signer.kid);
  const published = await importJWK(signer.jwk, signer.alg, { extractable: true });
  if (published instanceof Uint8Array) throw new Error('The key is no public key.');
  const secret = new TextEncoder().encode(await exportSPKI(published));
  const crit = { alg: signer.alg, kid: signer.kid, crit: ['urn:x'], 'urn:x': true };
  const row = (name: string, token: string, is: Is): Row => ({
    name,
    authorization: `Bearer ${token}`,
    is,
  });
  const refused = (name: string, token: string, code: Refusal = 'TOKEN_INVALID') =>
    row(name, token, { refused: code });
  const machine = async (name: string, scopes: string[]) => {
    const token = claims({ sub: 'm', client_id: 'm', scope: scopes.join(' ') });
    return row(`a machine with ${name}`, await signer.sign(token), { scopes });
  };
  return [
    { name: 'no token', is: { refused: 'TOKEN_MISSING' } },
    { name: 'no bearer', authorization: 'Basic YTpi', is: { refused: 'TOKEN_MISSING' } },
    refused('broken', 'a.b'),
    refused('cut', (await signer.sign(operator())).slice(0, -8)),
    refused('forged', await forger.sign(operator())),
    refused('alg none', new UnsecuredJWT(operator()).encode()),
    refused(
      'HMAC with the public key',
      await new SignJWT(operator())
        .setProtectedHeader({ alg: 'HS256', kid: signer.kid })
        .sign(secret),
    ),
    refused(
      'unknown crit',
      await new SignJWT(operator())
        .setProtectedHeader(crit)
        .sign(signer.secret, { crit: { 'urn:x': true } }),
    ),
    refused('expired', await signer.sign(operator({ exp: now - 60 })), 'TOKEN_EXPIRED'),
    refused('not yet valid', await signer.sign(operator({ nbf: now + 600 }))),
    refused('wrong issuer', await signer.sign(operator({ iss: 'https://issuer.example' }))),
    refused('wrong audience', await signer.sign(operator({ aud: 'another-api' }))),
    refused('an ID token by its nonce', await signer.sign(operator({ nonce: 'n' }))),
    refused('an ID token of Cognito', await signer.sign(operator({ token_use: 'id' }))),
    refused('an ID token of Keycloak', await signer.sign(operator({ typ: 'ID' }))),
    row('another customer', await signer.sign(claims({ sub: 'stranger-1' })), 'stranger'),
    row('the owner', await signer.sign(claims({ sub: OWNER })), 'owner'),
    row('an operator', await signer.sign(operator()), 'operator'),
    await machine('no scope', []),
    ...(await Promise.all(SCOPES.map((scope) => machine(scope, [scope])))),
  ];
}

type Wanted = { status: number; code?: string; scope?: string };

/** The answers that an operation's rule promises the caller. */
export function wantedOf(operation: Case, { is }: Row): Wanted {
  const { rule, answer, refusals } = operation;
  const done = answer;
  if (rule === 'open') return done;
  if (typeof is === 'object' && 'refused' in is) return { status: 401, code: is.refused };
  if (rule === 'known' || is === 'operator') return done;
  if (typeof is === 'object') {
    if (is.scopes.includes(rule.scope)) return done;
    return { status: 403, code: 'SCOPE_MISSING', scope: rule.scope };
  }
  if (is === 'stranger') {
    if (rule.owner !== 'found') return { status: 403, code: 'NOT_YOURS' };
    const code = refusals.find((one) => ERRORS[one].status === 404);
    return { status: 404, ...(code && { code }) };
  }
  const { status: move } = { status: undefined, ...operation.request.body };
  if (!rule.moves || rule.moves.some((allowed) => allowed === move)) return done;
  return { status: 403, code: 'SCOPE_MISSING', scope: OPERATE };
}

/** A request of the matrix. Of an operation with moves there is a case for each of them. */
export type Case = Pick<Operation, 'rule' | 'refusals' | 'request'> & {
  name: string;
  /** The function that answers it. */
  function: string;
  method: string;
  path: string;
  answer: Wanted;
};

/** Two operations have a function with another: it has the name of the other one. */
const FUNCTIONS: Record<string, string> = { showUnsubscribe: 'unsubscribe', openapi: 'docs' };

const unknownRoute: Case = {
  name: 'GET /api/nothing',
  function: 'notFound',
  method: 'GET',
  path: '/api/nothing',
  rule: 'known',
  refusals: [],
  request: {},
  answer: { status: 404, code: 'ROUTE_NOT_FOUND' },
};

export const CASES: Case[] = [
  ...Object.entries(OPERATIONS).flatMap(([route, operation]) => casesOf(route, operation)),
  unknownRoute,
];

function casesOf(
  route: string,
  { id, rule, refusals, request, answer: { status } }: Operation,
): Case[] {
  const [method = '', path = ''] = route.split(' ');
  const known = { function: FUNCTIONS[id] ?? id, method, path, rule, refusals, answer: { status } };
  const example: Case = { ...known, name: route, request };
  const moves = typeof rule === 'object' ? (rule.moves ?? []) : [];
  return [
    example,
    ...moves.map((move) => {
      const { headers: _, ...rest } = request;
      const asked = { ...rest, body: { ...request.body, status: move } };
      return { ...example, name: `${route} ${move}`, request: asked };
    }),
  ];
}

/** The parts of the case's request, about the owner's data: their id, and a new order of theirs. */
export async function partsOf({ rule, request, path }: Case, bench: OrderBench) {
  const isOpen = typeof rule === 'string';
  const own = (part: object = {}) => ({
    ...part,
    ...('customerId' in part && !isOpen && { customerId: OWNER }),
  });
  const variables: Record<string, string> = own(request.path);
  if (!isOpen && rule.owner === 'found') variables.id = await place(bench);
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(variables[name] ?? ''));
  return {
    path: filled,
    pathParameters: variables,
    query: own(request.query) as Record<string, string>,
    headers: request.headers ?? {},
    ...(request.body && { body: own(request.body) }),
  };
}

async function place({ repository }: OrderBench): Promise<string> {
  const items = [{ productId: 'p', quantity: 1, price: 5 }];
  const order = firstVersion(uuidV7(), { customerId: OWNER, items, currency: 'USD' }, new Date());
  await repository.insert({ order, events: [eventOf(order, { id: uuidV7(), traceparent: '' })] });
  return order.id;
}

type Answered = {
  status: number;
  challenge: string | null | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: any answer of the API
  body: any;
};

/** The answer as far as the table says something about it. */
export function shortOf({ status, challenge, body }: Answered): Wanted & { challenge: string } {
  const { code, scope } = body?.success === false ? body : {};
  const kind = /error="(\w+)"/.exec(challenge ?? '')?.[1] ?? (challenge ? 'none' : '');
  return {
    status,
    ...(status !== 200 && code && { code }),
    ...(scope && { scope }),
    challenge: kind,
  };
}

/** The same for what the table promises, with the error that `www-authenticate` must name. */
export function shortOfWanted(wanted: Wanted): ReturnType<typeof shortOf> {
  const { code } = wanted;
  if (code === 'SCOPE_MISSING') return { ...wanted, challenge: 'insufficient_scope' };
  if (wanted.status !== 401) return { ...wanted, challenge: '' };
  return { ...wanted, challenge: code === 'TOKEN_MISSING' ? 'none' : 'invalid_token' };
}
