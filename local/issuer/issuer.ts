// The local issuer of tokens, a process of its own: `node local/issuer/issuer.ts <port> <directory>`. It
// serves its metadata and public keys on the loopback address; `npm run token` signs with the same keys.
import { createServer, type Server } from 'node:http';
import { publicPart, signingKeys } from './signing-keys.ts';

/** The API that the local issuer's tokens are for. */
export const AUDIENCE = 'orders';

export function issuerAt(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Serves until the server is closed. The keys are read at every request, so a rotation takes effect at once. */
async function serveIssuer(port: number, directory: string): Promise<Server> {
  await signingKeys(directory);
  const issuer = issuerAt(port);
  const answers: Record<string, () => Promise<object>> = {
    '/.well-known/openid-configuration': async () => ({
      issuer,
      jwks_uri: `${issuer}/jwks`,
      id_token_signing_alg_values_supported: ['RS256'],
      response_types_supported: [],
      subject_types_supported: ['public'],
    }),
    '/jwks': async () => ({ keys: (await signingKeys(directory)).map(publicPart) }),
  };
  const server = createServer(async ({ url = '' }, response) => {
    const answer = answers[url.split('?')[0] ?? ''];
    try {
      const body = answer ? await answer() : { error: 'Nothing is served at this address.' };
      response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      response.writeHead(500).end();
    }
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, '127.0.0.1', resolve);
  await promise;
  return server;
}

async function main([port = '', directory = '']: string[]): Promise<void> {
  if (!/^\d+$/.test(port) || directory === '') {
    throw new Error('The local issuer is started with a port and the folder of its keys.');
  }
  const server = await serveIssuer(Number(port), directory);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      server.close();
      server.closeAllConnections();
    });
  }
  console.log(`issuer ${issuerAt(Number(port))}`);
}

if (import.meta.main) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
