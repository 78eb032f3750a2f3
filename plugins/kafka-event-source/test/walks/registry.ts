/** A registry of npm that has the packed package, and sends npm to the usual registry for all others. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Registry {
  readonly url: string;
  close(): void;
}

/** Starts the registry. It serves this tarball as the newest release of the package in it. */
export async function startRegistry(tarball: string): Promise<Registry> {
  // Elsewhere than here: npm answers no such question in a workspace.
  const options = { cwd: dirname(tarball), timeout: 20_000 };
  const { stdout: usual } = await run('npm', ['config', 'get', 'registry'], options);
  const { stdout } = await run('tar', ['-xOf', tarball, 'package/package.json']);
  const manifest = JSON.parse(stdout);
  const { name, version } = manifest;
  const server = http.createServer(async ({ url = '/' }, response) => {
    if (url === `/${name}`) {
      const dist = { tarball: `${address()}/${name}.tgz` };
      const versions = { [version]: { ...manifest, dist } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions }));
    } else if (url === `/${name}.tgz`) {
      response.end(await readFile(tarball));
    } else {
      response.writeHead(307, { location: new URL(url.slice(1), usual.trim()).href }).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: address(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
