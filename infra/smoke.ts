/** Tries a deployed system with one order: placed, read, confirmed by email, cancelled. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const HELP = `npm run smoke -- --url <the API's address> [--seconds 120]

  Places an order, reads it, waits until its email is sent, and cancels it. The email goes to a
  mailbox of SES that takes everything; no SMS is sent. Ends with 1 where one of these fails.

  --seconds            how long the email may take

Where the API asks for a token, it is fetched by the client credentials grant, for a machine client
with orders:read, orders:write and notifications:read:

  SMOKE_TOKEN_URL      the issuer's token endpoint
  SMOKE_CLIENT_ID, SMOKE_CLIENT_SECRET
  SMOKE_SCOPE          the scopes to ask for, by blanks, as the issuer names them
  SMOKE_AUDIENCE       for an issuer that wants to be told, such as Auth0
  SMOKE_TOKEN          a token at hand instead
`;

/** https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator */
const MAILBOX = 'success@simulator.amazonses.com';
const REQUEST_MS = 15_000;
const PAUSE_MS = 500;

const Order = z.looseObject({
  data: z.looseObject({ id: z.string(), status: z.string() }),
});
const Notifications = z.looseObject({
  data: z.array(
    z.looseObject({ channel: z.string(), status: z.string(), reason: z.string().optional() }),
  ),
});

const Credentials = z.object({
  SMOKE_TOKEN_URL: z.url({ protocol: /^https?$/ }),
  SMOKE_CLIENT_ID: z.string().min(1),
  SMOKE_CLIENT_SECRET: z.string().min(1),
  SMOKE_SCOPE: z.string().optional(),
  SMOKE_AUDIENCE: z.string().optional(),
});
const Token = z.looseObject({ access_token: z.string().min(1) });

type Target = { url: string; token: string | undefined };

/** @throws Error that names the failed step and the answer that it got */
async function smoke(target: Target, seconds: number): Promise<void> {
  const order = {
    customerId: `smoke-${randomUUID()}`,
    items: [{ productId: 'smoke-test', quantity: 1, price: 1 }],
    contact: { email: MAILBOX },
  };
  const placed = await call(target, 'POST', '/api/orders', 201, Order, order);
  const path = `/api/orders/${placed.data.id}`;
  say(`placed ${path}`);
  try {
    await call(target, 'GET', path, 200, Order);
    say('read');
    await emailSent(target, placed.data.id, seconds);
    say('email sent');
  } finally {
    await call(target, 'PUT', `${path}/status`, 200, Order, { status: 'cancelled' });
    say('cancelled');
  }
}

/** Waits until the email's record says `sent`. */
async function emailSent(target: Target, orderId: string, seconds: number): Promise<void> {
  const path = `/api/notifications?orderId=${orderId}`;
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const { data } = await call(target, 'GET', path, 200, Notifications);
    const email = data.find(({ channel }) => channel === 'email');
    if (email?.status === 'sent') return;
    if (Date.now() > end) {
      const state = email ? `its record says ${email.status} (${email.reason ?? ''})` : 'no record';
      throw new Error(`The email was not sent within ${seconds} s: ${state}.`);
    }
    await sleep(PAUSE_MS);
  }
}

async function call<T>(
  { url, token }: Target,
  method: string,
  path: string,
  expected: number,
  schema: z.ZodType<T>,
  body?: object,
): Promise<T> {
  const answer = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(body && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const text = await answer.text();
  if (answer.status !== expected) {
    throw new Error(`${method} ${path} was answered ${answer.status}, not ${expected}: ${text}`);
  }
  return schema.parse(JSON.parse(text));
}

/** The token for the API, or none where the environment has no client. */
async function tokenBy(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (env.SMOKE_TOKEN || !env.SMOKE_TOKEN_URL) return env.SMOKE_TOKEN || undefined;
  const parsed = Credentials.safeParse(env);
  if (!parsed.success) throw new Error(`The environment: ${z.prettifyError(parsed.error)}`);
  const { data: given } = parsed;
  // RFC 6749, 2.3.1: both are form-encoded first.
  const client = [given.SMOKE_CLIENT_ID, given.SMOKE_CLIENT_SECRET].map(encodeURIComponent);
  const answer = await fetch(given.SMOKE_TOKEN_URL, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(client.join(':')).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(given.SMOKE_SCOPE && { scope: given.SMOKE_SCOPE }),
      ...(given.SMOKE_AUDIENCE && { audience: given.SMOKE_AUDIENCE }),
    }),
    redirect: 'error',
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  // An answer may hold a token, so it is not shown.
  if (!answer.ok) throw new Error(`The issuer gives no token: it answers ${answer.status}.`);
  return Token.parse(await answer.json()).access_token;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      seconds: { type: 'string', default: '120' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return say(HELP);
  const url = z.url({ protocol: /^https?$/ }).safeParse(values.url);
  const seconds = z.coerce.number().positive().safeParse(values.seconds);
  if (!url.success || !seconds.success) throw new Error(HELP);
  await smoke({ url: url.data, token: await tokenBy(process.env) }, seconds.data);
}

main().catch((error: unknown) => {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const why = cause instanceof Error ? ` (${cause.message || cause.name})` : '';
  process.stderr.write(`${message}${why}\n`);
  process.exitCode = 1;
});
