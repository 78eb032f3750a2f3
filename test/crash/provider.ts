import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from './random.ts';

/**
 * The provider's reaction to one request. `yes` takes the message; `cut` takes it too, and breaks
 * the connection instead of answering, `halfway` in the middle of the answer. `hang` never answers,
 * having taken it or not. The others take nothing.
 */
const WAYS = ['yes', '429', '500', '503', 'cut', 'halfway', 'hangTaken', 'hang'] as const;

export type Way = (typeof WAYS)[number];

/** Answers after which the provider surely took nothing, but another try may succeed. */
const PASSING: [Way, ...Way[]] = ['429', '500', '503'];

/** In these the answer is lost: nobody but the provider knows. */
export const LOST: readonly Way[] = ['cut', 'halfway', 'hangTaken', 'hang'];
const TAKEN: readonly Way[] = ['yes', 'cut', 'halfway', 'hangTaken'];

/** `awayFor`: the number of calls that are still refused. */
type Mood = { mood: Random; awayFor: number };

export type Provider = {
  address: string;
  /** By recipient: how often its message was taken, and all that the provider did. */
  taken: Map<string, number>;
  ways: Map<string, Way[]>;
  /** The recipients whose messages were taken, in their order. */
  book: string[];
  close(): void;
};

/** SES and SNS in one, on loopback, with moods that a seed repeats for each recipient. */
export async function startProvider(moodOf: (to: string) => Random): Promise<Provider> {
  const taken = new Map<string, number>();
  const ways = new Map<string, Way[]>();
  const moods = new Map<string, Mood>();
  const book: string[] = [];

  const server = createServer(async (request, response) => {
    const body = await text(request);
    const isSes = request.url?.startsWith('/v2/email') ?? false;
    const to = isSes ? recipientOfEmail(body) : recipientOfSms(body);
    const { mood, awayFor } = moods.get(to) ?? begin(moodOf(to));
    moods.set(to, { mood, awayFor: awayFor - 1 });
    const earlier = ways.get(to) ?? [];
    const way = awayFor > 0 ? mood.pick(PASSING) : wayOf(mood);
    ways.set(to, [...earlier, way]);
    if (TAKEN.includes(way)) {
      taken.set(to, (taken.get(to) ?? 0) + 1);
      book.push(to);
    }
    answer(way, isSes, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    ways,
    book,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Refuses some recipients at first, for longer than one invocation tries. */
function begin(mood: Random): Mood {
  return { mood, awayFor: mood.chance(0.35) ? 1 + mood.below(9) : 0 };
}

/** Hanging takes five seconds each time, so it is rare. */
function wayOf(mood: Random): Way {
  if (mood.chance(0.6)) return 'yes';
  if (mood.chance(0.08)) return mood.pick(['hang', 'hangTaken']);
  return mood.pick([...PASSING, ...PASSING, 'cut', 'halfway']);
}

function answer(way: Way, isSes: boolean, response: ServerResponse): void {
  const id = crypto.randomUUID();
  const yes = isSes
    ? JSON.stringify({ MessageId: id })
    : `<PublishResponse><PublishResult><MessageId>${id}</MessageId></PublishResult></PublishResponse>`;
  if (way === 'hang' || way === 'hangTaken') return;
  if (way === 'cut') response.socket?.destroy();
  else if (way === 'halfway') {
    response.writeHead(200, { 'content-length': yes.length });
    response.write(yes.slice(0, 20), () => response.socket?.destroy());
  } else if (way === 'yes') response.writeHead(200).end(yes);
  else response.writeHead(Number(way), { 'x-amzn-errortype': 'Refused' }).end(isSes ? '{}' : '');
}

function recipientOfEmail(body: string): string {
  const { Destination } = JSON.parse(body);
  return String(Destination.ToAddresses[0]);
}

function recipientOfSms(body: string): string {
  return String(new URLSearchParams(body).get('PhoneNumber'));
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
