import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A message as its provider gets it. */
export type Told = {
  channel: 'email' | 'sms';
  to: string;
  orderId: string;
  /** An SMS has its text alone. */
  subject: string | undefined;
  text: string;
  /** The link of the header List-Unsubscribe. */
  unsubscribe: string | undefined;
};

/** `cut`: the message is taken, and the answer is lost. A refusal has the error's name at AWS. */
export type Answer = 'taken' | 'cut' | Refusal;
export type Refusal = { status: number; error: string; message?: string };

export type Providers = Awaited<ReturnType<typeof startProviders>>;

/** SES and SNS on loopback: their own clients ask, and get the answers that a test wants. */
export async function startProviders() {
  const calls: Told[] = [];
  const taken: Told[] = [];
  let react: (message: Told) => Answer | Promise<Answer> = () => 'taken';

  const server = createServer((request, response) => {
    reply(request, response).catch((error) => response.destroy(error));
  });

  async function reply(request: IncomingMessage, response: ServerResponse) {
    const message = messageOf(await text(request));
    calls.push(message);
    const answer = await react(message);
    if (typeof answer === 'object') return refuse(response, message, answer);
    taken.push(message);
    if (answer === 'cut') return response.destroy();
    const id = `id-${taken.length}`;
    response
      .writeHead(200)
      .end(
        message.channel === 'email'
          ? JSON.stringify({ MessageId: id })
          : `<PublishResponse><PublishResult><MessageId>${id}</MessageId></PublishResult></PublishResponse>`,
      );
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The messages that were taken, in their order. */
    taken,
    /** Also those that were refused. */
    calls,
    /** Decides about each message from now on. */
    react(decide: (message: Told) => Answer | Promise<Answer>) {
      react = decide;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refuse(response: ServerResponse, { channel }: Told, refusal: Refusal): void {
  const { status, error, message = 'no' } = refusal;
  if (channel === 'email') {
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': error };
    response.writeHead(status, headers).end(JSON.stringify({ message }));
  } else {
    const body = `<ErrorResponse><Error><Code>${error}</Code><Message>${message}</Message></Error></ErrorResponse>`;
    response.writeHead(status, { 'content-type': 'text/xml' }).end(body);
  }
}

/** SES takes JSON, SNS a form. */
function messageOf(body: string): Told {
  if (!body.startsWith('{')) {
    const form = new URLSearchParams(body);
    const [to, words] = [form.get('PhoneNumber') ?? '', form.get('Message') ?? ''];
    const nothing = { subject: undefined, unsubscribe: undefined };
    return { channel: 'sms', to, text: words, orderId: orderIn(words), ...nothing };
  }
  const { Destination, Content } = JSON.parse(body);
  const { Subject, Body, Headers = [] } = Content.Simple;
  const header = Headers.find(({ Name }: { Name: string }) => Name === 'List-Unsubscribe');
  return {
    channel: 'email',
    to: Destination.ToAddresses[0],
    subject: Subject.Data,
    text: Body.Text.Data,
    orderId: orderIn(Subject.Data),
    unsubscribe: header?.Value.slice(1, -1),
  };
}

/** The orders of these tests are order-1, order-2, and so on. */
function orderIn(words: string): string {
  return /\border-\d+\b/.exec(words)?.[0] ?? '';
}
