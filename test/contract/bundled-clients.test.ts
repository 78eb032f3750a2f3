import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { generateAuthTokenFromCredentialsProvider } from 'aws-msk-iam-sasl-signer-js';
import { build } from 'esbuild';
import { BUNDLE } from '../../esbuild.config.ts';
import { ROOT } from '../support/root.ts';

const run = promisify(execFile);

/** Sends one email and one SMS to the address that it is given, and prints the results. */
const SEND = `
import { createSesSender } from './lib/notification/channels/senders/ses.ts';
import { createSnsSender } from './lib/notification/channels/senders/sns.ts';
const to = { region: 'us-east-1', endpoint: process.argv[2] };
const email = { channel: 'email', orderId: 'o', to: 'ada@example.com', subject: 'S', body: 'B', html: 'H',
  unsubscribe: 'https://shop.example/u' };
const sms = { channel: 'sms', orderId: 'o', to: '+15550123', text: 'T' };
const { signal } = new AbortController();
const answers = [
  await createSesSender({ ...to, from: 'orders@example.com' }).send(email, signal),
  await createSnsSender(to).send(sms, signal),
];
process.stdout.write(JSON.stringify(answers));
`;

/** Prints a token for MSK. */
const SIGN = `
import { iamToken } from './lib/kafka/sign-in.ts';
process.stdout.write((await iamToken('eu-west-1')).value);
`;

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' };

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'orders-clients-'));
  for (const [name, contents] of Object.entries({ send: SEND, sign: SIGN })) {
    await build({
      ...BUNDLE,
      stdin: { contents, resolveDir: ROOT, loader: 'ts' },
      outfile: join(directory, `${name}.mjs`),
    });
  }
}, 60_000);

afterAll(() => rm(directory, { recursive: true }));

/** Runs a bundled program in a folder without packages, and returns its output. */
async function printed(program: string, ...args: string[]) {
  const file = join(directory, `${program}.mjs`);
  const options = { env: CREDENTIALS, timeout: 20_000 };
  const { stdout } = await run(process.execPath, [file, ...args], options);
  return stdout;
}

/** The requests of the bundled senders to a service with this answer, and their results. */
async function ask(answer: (isSes: boolean) => { status: number; type?: string; body: string }) {
  const asked: { url: string; body: string }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const isSes = request.url?.startsWith('/v2/email') ?? false;
    asked.push({ url: String(request.url), body });
    const { status, type, body: text } = answer(isSes);
    response.writeHead(status, type ? { 'x-amzn-errortype': type } : {}).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const stdout = await printed('send', `http://127.0.0.1:${port}`);
    return { asked, answers: JSON.parse(stdout) };
  } finally {
    server.close();
  }
}

test('the bundled senders write whole requests to SES and SNS, and read their answers', async () => {
  const { asked, answers } = await ask((isSes) => ({
    status: 200,
    body: isSes
      ? '{"MessageId":"e-1"}'
      : '<PublishResponse><PublishResult><MessageId>s-1</MessageId></PublishResult></PublishResponse>',
  }));
  expect(answers).toMatchObject([
    { success: true, messageId: 'e-1' },
    { success: true, messageId: 's-1' },
  ]);
  const [email, sms] = asked;
  expect(email?.url).toBe('/v2/email/outbound-emails');
  const utf8 = 'UTF-8';
  expect(JSON.parse(String(email?.body))).toMatchObject({
    FromEmailAddress: 'orders@example.com',
    Destination: { ToAddresses: ['ada@example.com'] },
    Content: {
      Simple: {
        Subject: { Data: 'S', Charset: utf8 },
        Body: { Text: { Data: 'B', Charset: utf8 }, Html: { Data: 'H', Charset: utf8 } },
        Headers: [{ Name: 'List-Unsubscribe', Value: '<https://shop.example/u>' }, {}],
      },
    },
  });
  expect(Object.fromEntries(new URLSearchParams(sms?.body))).toMatchObject({
    Action: 'Publish',
    PhoneNumber: '+15550123',
    Message: 'T',
    'MessageAttributes.entry.1.Value.StringValue': 'Transactional',
  });
});

test('the bundled senders know the errors of SES and SNS by name', async () => {
  const { answers } = await ask((isSes) => ({
    status: 400,
    ...(isSes && { type: 'MessageRejected' }),
    body: isSes
      ? '{"message":"Email address is on the list"}'
      : '<ErrorResponse><Error><Type>Sender</Type><Code>OptedOut</Code><Message>no</Message></Error></ErrorResponse>',
  }));
  expect(answers).toMatchObject([
    { success: false, retriable: false, reason: 'ses: MessageRejected' },
    { success: false, retriable: false, reason: expect.stringMatching(/^sns: OptedOut/) },
  ]);
});

test("the bundled signer for MSK gives the token that AWS's whole library gives", async () => {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' };
  const region = 'eu-west-1';
  const whole = () =>
    generateAuthTokenFromCredentialsProvider({
      region,
      awsCredentialsProvider: async () => credentials,
    });
  const before = await whole();
  const bundled = await printed('sign');
  const after = await whole();
  // The token holds the second at which it was signed: any between the two is right.
  const url = new URL(Buffer.from(bundled, 'base64url').toString());
  const second = secondOf(url);
  expect([secondOf(urlOf(before)) <= second, second <= secondOf(urlOf(after))]).toEqual([
    true,
    true,
  ]);
  jest.useFakeTimers({ now: second, doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  try {
    const { searchParams: expected } = urlOf(await whole());
    expect(Object.fromEntries(url.searchParams)).toEqual(Object.fromEntries(expected));
  } finally {
    jest.useRealTimers();
  }
});

function urlOf({ token }: { token: string }): URL {
  return new URL(Buffer.from(token, 'base64url').toString());
}

/** `20261124T101112Z` as milliseconds. */
function secondOf({ searchParams }: URL): number {
  const date = searchParams.get('X-Amz-Date') ?? '';
  return Date.parse(date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
}
