import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * A way to a broker on localhost on which every answer takes longer. Answers that name the broker's
 * address name this one instead, so that clients stay on it.
 */
export async function startSlowKafka(broker: string, delayMs: number) {
  const brokerPort = Number(broker.split(':').at(-1));
  type Pair = [client: Socket, upstream: Socket];
  const pairs = new Set<Pair>();
  const silent = new Set<Pair>();
  let opened = 0;

  const server = createServer((client) => {
    opened += 1;
    const upstream = connect(brokerPort, 'localhost');
    const pair: Pair = [client, upstream];
    pairs.add(pair);
    client.on('data', (chunk) => silent.has(pair) || upstream.write(chunk));
    upstream.on('data', (chunk) => {
      const answer = readdressed(chunk);
      setTimeout(() => silent.has(pair) || client.destroyed || client.write(answer), delayMs);
    });
    for (const [one, other] of [pair, [upstream, client]] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        pairs.delete(pair);
        if (!silent.has(pair)) other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const readdressed = (chunk: Buffer) => replaced(chunk, addressOf(brokerPort), addressOf(port));

  return {
    brokers: `localhost:${port}`,
    /** How many connections there were. */
    opened: () => opened,
    /** Ends all open connections. */
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
    /** Silently stops the traffic of all open connections. */
    fallSilent() {
      for (const pair of pairs) silent.add(pair);
    },
    close() {
      for (const pair of [...pairs, ...silent]) for (const socket of pair) socket.destroy();
      server.close();
    },
  };
}

/** A broker's address as it stands in an answer: the name with its length, and the port. */
function addressOf(port: number): Buffer {
  const bytes = Buffer.alloc(15);
  bytes.writeInt16BE(9, 0);
  bytes.write('localhost', 2);
  bytes.writeInt32BE(port, 11);
  return bytes;
}

function replaced(chunk: Buffer, from: Buffer, to: Buffer): Buffer {
  const changed = Buffer.from(chunk);
  for (let at = changed.indexOf(from); at >= 0; at = changed.indexOf(from, at + 1)) {
    to.copy(changed, at);
  }
  return changed;
}
