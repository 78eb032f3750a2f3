import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { SendResult } from '../../lib/notification/channels/senders/sender.ts';
import { createSesSender } from '../../lib/notification/channels/senders/ses.ts';
import { createSnsSender } from '../../lib/notification/channels/senders/sns.ts';

const SENDERS = join(import.meta.dirname, '../../lib/notification/channels/senders');

const email = {
  channel: 'email',
  orderId: 'o1',
  to: 'ada@example.com',
  subject: 'Hello',
  body: 'text',
  html: '<p>text</p>',
} as const;
const sms = { channel: 'sms', orderId: 'o1', to: '+15550123', text: 'Hello' } as const;

let close: (() => void) | undefined;
afterEach(() => {
  jest.useRealTimers();
  close?.();
});

type Reply = { status: number; headers?: Record<string, string>; body: string };

/** A provider with the given answers, which counts the requests that arrived whole. */
async function provider(behave: Reply | ((socket: Socket) => void)) {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => {
      body += text;
    });
    request.on('end', () => {
      bodies.push(body);
      if (typeof behave === 'function') return behave(request.socket);
      response.writeHead(behave.status, behave.headers).end(behave.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { endpoint, bodies, requests: () => bodies.length };
}

const region = 'us-east-1';
const signal = () => new AbortController().signal;
const byEmail = (endpoint: string) =>
  createSesSender({ region, endpoint, from: 'orders@example.com' }).send(email, signal());
const bySms = (endpoint: string) => createSnsSender({ region, endpoint }).send(sms, signal());

const sesError = (status: number, name: string, message = 'no'): Reply => ({
  status,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': name },
  body: JSON.stringify({ message }),
});
const snsError = (status: number, name: string): Reply => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>to +15550123</Message></Error></ErrorResponse>`,
});

test('SES gets text, HTML, and the headers to unsubscribe in one click', async () => {
  const { endpoint, bodies } = await provider({ status: 200, body: '{"MessageId":"m1"}' });
  const sender = createSesSender({ region, endpoint, from: 'Orders <orders@example.com>' });
  const answer = await sender.send({ ...email, unsubscribe: 'https://x.example/u?t=1' }, signal());
  expect(answer).toEqual({ success: true, messageId: 'm1' });
  expect(JSON.parse(bodies.join())).toEqual({
    FromEmailAddress: 'Orders <orders@example.com>',
    Destination: { ToAddresses: ['ada@example.com'] },
    Content: {
      Simple: {
        Subject: { Data: 'Hello', Charset: 'UTF-8' },
        Body: {
          Text: { Data: 'text', Charset: 'UTF-8' },
          Html: { Data: '<p>text</p>', Charset: 'UTF-8' },
        },
        Headers: [
          { Name: 'List-Unsubscribe', Value: '<https://x.example/u?t=1>' },
          { Name: 'List-Unsubscribe-Post', Value: 'List-Unsubscribe=One-Click' },
        ],
      },
    },
  });
});

test.each([
  [400, 'MessageRejected', 'The content is not allowed', 'permanent'],
  [400, 'BadRequestException', 'Illegal address', 'permanent'],
  [400, 'MessageRejected', 'Email address is not verified: ada@example.com', 'retriable'],
  [400, 'AccountSuspendedException', '', 'retriable'],
  [400, 'SendingPausedException', '', 'retriable'],
  [400, 'MailFromDomainNotVerifiedException', '', 'retriable'],
  [400, 'LimitExceededException', '', 'retriable'],
  [404, 'NotFoundException', '', 'retriable'],
  [403, 'AccessDeniedException', '', 'retriable'],
  [429, 'TooManyRequestsException', '', 'retriable'],
  [500, 'InternalServiceErrorException', '', 'retriable'],
  [503, 'ServiceUnavailable', '', 'retriable'],
  [502, 'BadGateway', '', 'unknown'],
  [504, 'GatewayTimeout', '', 'unknown'],
])('SES: %i %s (%s) is %s, after one request', async (status, name, message, expected) => {
  const { endpoint, requests } = await provider(sesError(status, name, message));
  expect(await meaningOf(byEmail(endpoint))).toBe(expected);
  expect(requests()).toBe(1);
});

test.each([
  [400, 'InvalidParameter', 'permanent'],
  [400, 'OptedOut', 'permanent'],
  [400, 'Throttled', 'retriable'],
  [403, 'AuthorizationError', 'retriable'],
  [429, 'Throttling', 'retriable'],
  [500, 'InternalError', 'retriable'],
  [504, 'GatewayTimeout', 'unknown'],
])('SNS: %i %s is %s, after one request', async (status, name, expected) => {
  const { endpoint, requests } = await provider(snsError(status, name));
  expect(await meaningOf(bySms(endpoint))).toBe(expected);
  expect(requests()).toBe(1);
});

test('a connection cut before the answer, or in the middle of it, is unknown after one request', async () => {
  for (const send of [byEmail, bySms]) {
    const cut = await provider((socket) => socket.destroy());
    expect(await meaningOf(send(cut.endpoint))).toBe('unknown');
    expect(cut.requests()).toBe(1);
    close?.();
    const half = await provider((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"MessageId":', () =>
        socket.destroy(),
      );
    });
    expect(await meaningOf(send(half.endpoint))).toBe('unknown');
    expect(half.requests()).toBe(1);
    close?.();
  }
});

test.each([
  ['nothing', ''],
  ['a page of something between', '<html><body>Sign in to the network</body></html>'],
  ['no message id', '<PublishResponse><PublishResult></PublishResult></PublishResponse>'],
  [
    'an empty message id',
    '<PublishResponse><PublishResult><MessageId></MessageId></PublishResult></PublishResponse>',
  ],
  ['an error', snsError(200, 'InternalError').body],
  ['JSON without a message id', '{}'],
  ['JSON with an empty message id', '{"MessageId":""}'],
])('a success with %s is unknown: it is not the answer of the provider', async (_, body) => {
  for (const send of [byEmail, bySms]) {
    const { endpoint, requests } = await provider({ status: 200, body });
    expect(await meaningOf(send(endpoint))).toBe('unknown');
    expect(requests()).toBe(1);
    close?.();
  }
});

// In a process of its own: inside jest, Node's own errors are none to the SDK, which hides them.
test('a provider that is not there passes: nothing has left', async () => {
  const script = `
    import { createSesSender } from '${SENDERS}/ses.ts';
    import { createSnsSender } from '${SENDERS}/sns.ts';
    const { email, sms, region } = JSON.parse(process.argv[1]);
    const { signal } = new AbortController();
    for (const host of ['127.0.0.1:1', 'localhost:1', 'nowhere.invalid']) {
      const endpoint = 'http://' + host;
      const ses = createSesSender({ region, endpoint, from: 'orders@example.com' });
      const sns = createSnsSender({ region, endpoint });
      console.log(JSON.stringify([await ses.send(email, signal), await sns.send(sms, signal)]));
    }`;
  const given = JSON.stringify({ email, sms, region });
  const args = ['--input-type=module', '-e', script, given];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: process.env });
  const answers = stdout
    .trim()
    .split('\n')
    .flatMap((line): SendResult[] => JSON.parse(line));
  expect(answers).toHaveLength(6);
  for (const answer of answers) {
    const reason = expect.stringMatching(/^s[en]s: (ECONNREFUSED|ENOTFOUND|EAI_AGAIN)$/);
    expect(answer).toEqual({ success: false, retriable: true, reason });
  }
});

test('a provider that hangs is unknown after four seconds', async () => {
  const asked = Promise.withResolvers<void>();
  const { endpoint, requests } = await provider(() => asked.resolve());
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  let isOver = false;
  const meaning = meaningOf(byEmail(endpoint)).finally(() => {
    isOver = true;
  });
  await asked.promise;
  await jest.advanceTimersByTimeAsync(3_999);
  expect(isOver).toBe(false);
  await jest.advanceTimersByTimeAsync(1);
  expect(await meaning).toBe('unknown');
  expect(requests()).toBe(1);
});

test('the reason on record never holds an address', async () => {
  const ses = await provider(sesError(400, 'MessageRejected', 'refused: ada@example.com'));
  expect(JSON.stringify(await byEmail(ses.endpoint))).not.toContain('ada@');
  close?.();
  const sns = await provider(snsError(400, 'InvalidParameter'));
  expect(JSON.stringify(await bySms(sns.endpoint))).not.toContain('15550123');
});

test('an SMS of too many parts is refused before it costs anything', async () => {
  const { endpoint, requests } = await provider(snsError(500, 'InternalError'));
  const sender = createSnsSender({ region, endpoint });
  const answer = await sender.send({ ...sms, text: 'ć'.repeat(500) }, signal());
  expect(answer).toEqual({
    success: false,
    retriable: false,
    reason: 'sns: 8 segments of UCS-2, at most 6 are sent',
  });
  expect(requests()).toBe(0);
});

async function meaningOf(sending: Promise<SendResult>): Promise<string> {
  try {
    const result = await sending;
    if (result.success) return 'sent';
    return result.retriable ? 'retriable' : 'permanent';
  } catch {
    // Nobody knows what the provider did: that is the whole meaning.
    return 'unknown';
  }
}
