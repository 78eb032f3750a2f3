import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { KeySet } from '../../lib/key-set.ts';

/** An issuer on the loopback address whose keys the test publishes. */
export type TestIssuer = {
  issuer: string;
  publish(...keys: KeySet['keys']): void;
  /** While it is away, every connection is cut. */
  setAway(isAway: boolean): void;
  /** How often its keys were fetched. */
  fetches(): number;
  close(): void;
};

export async function startIssuer(...first: KeySet['keys']): Promise<TestIssuer> {
  let keys = first;
  let isAway = false;
  let fetches = 0;
  const server = createServer(({ url }, response) => {
    if (url === '/keys') fetches += 1;
    if (isAway) return response.destroy();
    const metadata = { issuer, jwks_uri: `${issuer}/keys` };
    return response.end(JSON.stringify(url === '/keys' ? { keys } : metadata));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    issuer,
    publish(...next) {
      keys = next;
    },
    setAway(next) {
      isAway = next;
    },
    fetches: () => fetches,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
