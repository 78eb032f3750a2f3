import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { callProviders } from '../../../lib/notification/call.ts';
import type { Message } from '../../../lib/notification/channels/channels.ts';
import type { EmailMessage, Sender } from '../../../lib/notification/channels/senders/sender.ts';
import { createSmtpSender } from '../../../lib/notification/channels/senders/smtp.ts';

const email: EmailMessage = {
  channel: 'email',
  orderId: 'o1',
  to: 'ada@example.com',
  subject: 'S',
  body: 'B',
  html: '<p>B</p>',
};
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let server: net.Server | undefined;
afterEach(() => {
  server?.close();
});

type Step = 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'END';

/** A server that takes an email up to one step, where it does something else. */
async function start(at: Step, does: (socket: Socket) => void): Promise<string> {
  server = net.createServer((socket) => {
    let isMessage = false;
    let text = '';
    const answer = (step: string, reply: string) =>
      step === at ? does(socket) : socket.write(`${reply}\r\n`);
    socket.on('error', () => undefined);
    socket.write('220 ready\r\n');
    socket.on('data', (chunk) => {
      text += chunk;
      const end = isMessage ? '\r\n.\r\n' : '\r\n';
      if (!text.endsWith(end)) return;
      const step = isMessage ? 'END' : String(/^\w+/.exec(text)?.[0]).toUpperCase();
      text = '';
      isMessage = step === 'DATA' && at !== 'DATA';
      answer(step, step === 'DATA' ? '354 go on' : '250 ok');
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sends by that server, with a second provider behind it. */
async function send(url: string) {
  let second = 0;
  const other: Sender<EmailMessage> = {
    name: 'second',
    async send() {
      second += 1;
      return { success: true, messageId: 'm2' };
    },
  };
  const first = createSmtpSender({ url, from: 'orders@shop.example' });
  const outcome = await callProviders([first, other as Sender<Message>], email, log as never);
  return { status: outcome.status, second };
}

const cut = (socket: Socket) => socket.destroy();
const half = (socket: Socket) => socket.end('25');
const hang = () => undefined;
const nonsense = (socket: Socket) => socket.write('hello\r\n');

test.each(
  (['EHLO', 'MAIL', 'RCPT', 'DATA'] as const).flatMap((step) => [
    [step, 'cuts the connection', cut] as const,
    [step, 'answers in half', half] as const,
  ]),
)(
  'a server that, at %s, %s has nothing of the message: the next one is asked',
  async (step, _, does) => {
    expect(await send(await start(step, does))).toEqual({ status: 'sent', second: 1 });
  },
);

test('a server that hangs at the recipient has nothing of the message either', async () => {
  expect(await send(await start('RCPT', hang))).toEqual({ status: 'sent', second: 1 });
});

test.each([
  ['cuts the connection', cut],
  ['answers in half', half],
  ['hangs', hang],
  ['answers nonsense', nonsense],
])('a server that %s after the message may have it: nobody else is asked', async (_, does) => {
  expect(await send(await start('END', does))).toEqual({ status: 'unknown', second: 0 });
});
