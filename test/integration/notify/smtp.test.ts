import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { callProviders } from '../../../lib/notification/call.ts';
import type { EmailMessage } from '../../../lib/notification/channels/senders/sender.ts';
import { createSmtpSender } from '../../../lib/notification/channels/senders/smtp.ts';
import { freePort } from '../../../plugins/kafka-event-source/broker/ports.ts';
import { createAuthority } from '../../../plugins/kafka-event-source/test/support/certificate.ts';

const from = 'Orders <orders@shop.example>';
const email: EmailMessage = {
  channel: 'email',
  orderId: 'o1',
  to: 'ada@example.com',
  subject: 'We have your order, Zoë',
  body: 'Thank you, Zoë.\n.\nA line of one dot is no end.',
  html: '<p>Thank you, Zoë.</p>',
  unsubscribe: 'https://shop.example/unsubscribe?token=t',
};
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

let server: SMTPServer | undefined;
afterEach(async () => {
  await new Promise<void>((resolve) => (server ? server.close(resolve) : resolve()));
  server = undefined;
});

/** A real SMTP server with a mailbox. */
async function start(options: SMTPServerOptions = {}) {
  const mails: { from: unknown; to: unknown[]; source: string }[] = [];
  server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    closeTimeout: 100,
    async onData(stream, { envelope }, done) {
      const chunks: Buffer[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      const to = envelope.rcptTo.map(({ address }) => address);
      const source = Buffer.concat(chunks).toString();
      mails.push({ from: envelope.mailFrom ? envelope.mailFrom.address : undefined, to, source });
      done();
    },
    ...options,
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await new Promise((resolve) => listening.once('listening', resolve));
  const { port } = listening.address() as AddressInfo;
  return { mails, port };
}

const send = (url: string) => {
  return callProviders([createSmtpSender({ url, from })], email, log as never);
};

const refusing = (code: number) => Object.assign(new Error('no'), { responseCode: code });

test('an email arrives once, with a part of text and one of HTML, and its headers', async () => {
  const { mails, port } = await start();
  const outcome = await send(`smtp://127.0.0.1:${port}`);
  expect(outcome).toMatchObject({ status: 'sent', provider: 'smtp' });
  expect(mails).toMatchObject([{ from: 'orders@shop.example', to: ['ada@example.com'] }]);
  const source = mails[0]?.source ?? '';
  const { messageId } = outcome as { messageId: string };
  expect(messageId).toMatch(/^<[\w-]+@shop\.example>$/);
  expect(source).toContain(`Message-ID: ${messageId}`);
  expect(source).toContain('From: Orders <orders@shop.example>');
  expect(source).toContain('List-Unsubscribe: <https://shop.example/unsubscribe?token=t>');
  expect(source).toContain('List-Unsubscribe-Post: List-Unsubscribe=One-Click');
  expect(source).toMatch(/Content-Type: multipart\/alternative/);
  expect(source).toMatch(/text\/plain; charset=utf-8.*Thank you, Zo=C3=AB.*text\/html/s);
});

test('the server gets the name and the password of the address', async () => {
  const seen: unknown[] = [];
  const { port } = await start({
    authOptional: false,
    onAuth: ({ username, password }, _, done) => {
      seen.push([username, password]);
      done(null, { user: username });
    },
  });
  const url = `smtp://orders:p%40ss@127.0.0.1:${port}?tls=no`;
  expect(await send(url)).toMatchObject({ status: 'sent' });
  expect(seen).toEqual([['orders', 'p@ss']]);
});

describe('a password', () => {
  const authority = createAuthority('a test');
  const { certificate: cert, privateKey: key } = authority.issue('localhost');
  const trusted = tls.getCACertificates('default');
  afterEach(() => tls.setDefaultCACertificates(trusted));

  /** A server with STARTTLS or without; `seen` has each name and password, and whether it came over TLS. */
  async function asking(disabledCommands: string[]) {
    const seen: unknown[] = [];
    const { port } = await start({
      authOptional: false,
      allowInsecureAuth: true,
      disabledCommands,
      cert,
      key,
      onAuth: ({ username, password }, { secure }, done) => {
        seen.push([username, password, secure]);
        done(null, { user: username });
      },
    });
    return { seen, url: `smtp://orders:secret@127.0.0.1:${port}` };
  }

  test('goes over TLS', async () => {
    tls.setDefaultCACertificates([...trusted, authority.certificate]);
    const { seen, url } = await asking([]);
    expect(await send(url)).toMatchObject({ status: 'sent' });
    expect(seen).toEqual([['orders', 'secret', true]]);
  });

  test('is not sent to a server without TLS, nor to one with an unknown authority', async () => {
    for (const disabled of [['STARTTLS'], []]) {
      const { seen, url } = await asking(disabled);
      expect(await send(url)).toMatchObject({ status: 'failed', retriable: true });
      expect(seen).toEqual([]);
      await new Promise<void>((resolve) => server?.close(resolve));
    }
  });

  test('is sent in the clear where the address says so', async () => {
    const { seen, url } = await asking(['STARTTLS']);
    expect(await send(`${url}?tls=no`)).toMatchObject({ status: 'sent' });
    expect(seen).toEqual([['orders', 'secret', false]]);
  });
});

const failed = (retriable: boolean, reason: string) => ({ status: 'failed', retriable, reason });

test.each([
  ['busy at the recipient', { onRcptTo: refuse(450) }, failed(true, 'smtp: RCPT TO 450')],
  ['without such a mailbox', { onRcptTo: refuse(550) }, failed(false, 'smtp: RCPT TO 550')],
  ['that refuses the sender', { onMailFrom: refuse(553) }, failed(true, 'smtp: MAIL FROM 553')],
  ['that is closed to us', { onConnect: refuse(554) }, failed(true, 'smtp: no session 554')],
] as [string, SMTPServerOptions, object][])('a server %s', async (_, options, expected) => {
  const { port, mails } = await start(options);
  expect(await send(`smtp://127.0.0.1:${port}`)).toEqual(expected);
  expect(mails).toEqual([]);
});

test.each([
  [451, failed(true, 'smtp: DATA 451')],
  [554, failed(false, 'smtp: DATA 554')],
])('a server that answers %i to the message itself', async (code, expected) => {
  const { port } = await start({
    onData: (stream, _, done) => stream.resume().on('end', () => done(refusing(code))),
  });
  expect(await send(`smtp://127.0.0.1:${port}`)).toEqual(expected);
});

test('a server that breaks off after the message may have it: unknown', async () => {
  const { port } = await start({
    onData: (stream) => {
      stream.resume().on('end', () => {
        for (const connection of server?.connections ?? []) {
          Reflect.get(connection, '_socket').destroy();
        }
      });
    },
  });
  const outcome = await send(`smtp://127.0.0.1:${port}`);
  expect(outcome).toMatchObject({ status: 'unknown' });
});

test('a wrong password and an absent server pass: nothing has left', async () => {
  const { port } = await start({ authOptional: false, onAuth: (_, __, done) => done(null, {}) });
  expect(await send(`smtp://a:b@127.0.0.1:${port}?tls=no`)).toMatchObject({
    status: 'failed',
    retriable: true,
  });
  expect(await send(`smtp://127.0.0.1:${await freePort()}`)).toEqual(
    failed(true, 'smtp: no session ESOCKET'),
  );
});

function refuse(code: number) {
  return (...args: unknown[]) => {
    const done = args.at(-1) as (error: Error) => void;
    done(refusing(code));
  };
}
