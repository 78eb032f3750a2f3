#!/usr/bin/env node
/** Stands in for `sam`, which needs Docker: `sam local start-lambda` calls the one handler of the example. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

if (process.argv[2] === 'local') {
  const { greet } = await import(join(process.cwd(), 'src/handler.mjs'));
  const server = createServer(async (request, response) => {
    const result = await greet(await json(request));
    response.end(JSON.stringify(result ?? null));
  });
  server.listen(3001, '127.0.0.1', () => console.log('listening on port 3001'));
}
