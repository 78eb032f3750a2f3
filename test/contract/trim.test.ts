import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { trim } from '../../plugins/build/trim.ts';
import { ROOT } from '../support/root.ts';

const run = promisify(execFile);

/** Sends one email and one SMS to the address that it is given, and prints what came of it. */
const PROGRAM = `
import { createSesSender } from './lib/notification/senders/ses.ts';
import { createSnsSender } from './lib/notification/senders/sns.ts';
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

let directory: string;
let program: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'trim-'));
  program = join(directory, 'program.mjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: ROOT, loader: 'ts' },
    outfile: program,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    plugins: [trim],
  });
}, 60_000);

afterAll(() => rm(directory, { recursive: true }));

/** What the bundled senders asked a service that answers so, and what they made of its answer. */
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
  const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  try {
    const { stdout } = await run(process.execPath, [program, `http://127.0.0.1:${port}`], { env });
    return { asked, answers: JSON.parse(stdout) };
  } finally {
    server.close();
  }
}

test('what the bundles keep of the clients of SES and SNS writes whole requests and reads their answers', async () => {
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

test('they know the errors of SES and SNS by name', async () => {
  const { answers } = await ask((isSes) => ({
    status: 400,
    ...(isSes && { type: 'MessageRejected' }),
    body: isSes
      ? '{"message":"Email address is on the list"}'
      : '<ErrorResponse><Error><Type>Sender</Type><Code>OptedOut</Code><Message>no</Message></Error></ErrorResponse>',
  }));
  expect(answers).toMatchObject([
    { success: false, passing: false, reason: 'ses: MessageRejected' },
    { success: false, passing: false, reason: expect.stringMatching(/^sns: OptedOut/) },
  ]);
});
