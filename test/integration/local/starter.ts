// npm start with a folder and ports of its own, and a small server in place of the functions.
import { offline } from '../../../local/offline.ts';
import { run } from '../../../local/run.ts';
import { readSettings } from '../../../local/settings.ts';
import { stopSignal } from '../../../local/stop.ts';
import { OFFLINE } from './run.ts';

const { DIRECTORY: directory = '', FUNCTIONS = '', OUTPUT } = process.env;

const server = `
  require('node:http')
    .createServer((_, response) => response.end('{"success":true}'))
    .listen(process.env.HTTP_PORT, 'localhost');
`;

const stop = stopSignal();
try {
  const settings = readSettings(process.env, 'java');
  const args = ['-e', FUNCTIONS || server, directory];
  await run(
    {
      backend: 'java',
      settings,
      directory,
      functions:
        FUNCTIONS === OFFLINE
          ? offline(settings, OUTPUT === 'whole')
          : { name: 'server', command: process.execPath, args },
      say: (line) => process.stdout.write(`${line}\n`),
    },
    stop,
  );
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
