import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { unsubscribeHeaders } from './headers.ts';
import type { EmailMessage, Sender, SendResult } from './sender.ts';

const LIMITS = {
  connectionTimeout: 1_000,
  greetingTimeout: 1_000,
  dnsTimeout: 1_000,
  socketTimeout: 4_000,
};

type Step<T> = (done: (error?: Error | null, result?: T) => void) => void;

/**
 * Email by SMTP, one connection a message: for a local mail catcher, or as the second provider.
 *
 * @param url `smtp://host:port`, `smtps://…`, with `user:password@` where the server asks for it. A
 * password goes over TLS alone; only a mail catcher on this machine gets it without, by `?tls=no`
 */
export function createSmtpSender(options: { url: string; from: string }): Sender<EmailMessage> {
  const { from } = options;
  const { auth, ...server } = serverOf(options.url);
  return {
    name: 'smtp',
    async send(message, signal) {
      const { to, subject, body, html } = message;
      const messageId = `<${randomUUID()}@${from.replace(/^.*@|>$/g, '')}>`;
      const headers = unsubscribeHeaders(message);
      const mail = { from, to, subject, messageId, headers, text: body, html };
      const { MailComposer, SMTPConnection } = await nodemailer();
      const raw = await new MailComposer(mail).compile().build();
      let hasLeft = false;
      // Read when the server has said that it takes the message, and not before.
      const content = Readable.from(
        (function* () {
          hasLeft = true;
          yield raw;
        })(),
      );

      const connection = new SMTPConnection({ ...server, ...LIMITS });
      const broken = Promise.withResolvers<never>();
      connection.once('error', broken.reject);
      signal.addEventListener('abort', () => broken.reject(signal.reason), { once: true });
      // A running command gets the error; between commands no one waits for it.
      broken.promise.catch(() => connection.close());
      const run = <T>(step: Step<T>) =>
        Promise.race([
          broken.promise,
          new Promise<T | undefined>((resolve, reject) => {
            step((error, result) => (error ? reject(error) : resolve(result)));
          }),
        ]);
      try {
        await run((done) => connection.connect(done));
        if (auth) await run((done) => connection.login({ credentials: auth }, done));
      } catch (error) {
        connection.close();
        return { success: false, retriable: true, reason: reasonOf(error, 'no session') };
      }
      try {
        await run((done) => connection.send({ from: addressOf(from), to: [to] }, content, done));
        return { success: true, messageId };
      } catch (error) {
        return refusalOf(error, hasLeft);
      } finally {
        connection.close();
      }
    },
  };
}

/** Loaded at the first message: stages without SMTP do not wait for it at their initialisation. */
async function nodemailer() {
  const [{ default: MailComposer }, { default: SMTPConnection }] = await Promise.all([
    import('nodemailer/lib/mail-composer'),
    import('nodemailer/lib/smtp-connection'),
  ]);
  return { MailComposer, SMTPConnection };
}

/**
 * The result of the server's reply. 4xx is retriable, and so is 5xx if it concerns the sender. If the
 * connection broke without a reply, the server may have taken the message.
 */
function refusalOf(error: unknown, hasLeft: boolean): SendResult {
  const { responseCode, command = '' } = error as { responseCode?: number; command?: string };
  if (typeof responseCode !== 'number') {
    if (hasLeft) throw error;
    return { success: false, retriable: true, reason: reasonOf(error, 'before the message') };
  }
  const retriable = responseCode < 500 || /^MAIL/i.test(command);
  return { success: false, retriable, reason: reasonOf(error, command) };
}

/** The reply's code alone: its text repeats addresses. */
function reasonOf(error: unknown, where: string): string {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  return `smtp: ${where} ${responseCode ?? code ?? 'failed'}`;
}

function serverOf(url: string) {
  const { protocol, hostname, port, username, password, searchParams } = new URL(url);
  const secure = protocol === 'smtps:';
  const credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    host: hostname,
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    requireTLS: username !== '' && searchParams.get('tls') !== 'no',
    auth: username ? credentials : undefined,
  };
}

/** `Orders <orders@example.com>` has its address in the brackets. */
function addressOf(from: string): string {
  return /<([^<>]+)>$/.exec(from)?.[1] ?? from;
}
