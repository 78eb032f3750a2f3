// npm start with a folder and ports of its own, and a small server in place of the functions.
import { run } from '../../../local/run.ts';
import { readSettings } from '../../../local/settings.ts';
import { stopSignal } from '../../../local/stop.ts';

const { DIRECTORY: directory = '', FUNCTIONS = '' } = process.env;

const server = `
  require('node:http')
    .createServer((_, response) => response.end('{"success":true}'))
    .listen(process.env.HTTP_PORT, 'localhost');
`;

const stop = stopSignal();
try {
  await run(
    {
      backend: 'java',
      settings: readSettings(process.env, 'java'),
      directory,
      functions: {
        name: 'server',
        command: process.execPath,
        args: ['-e', FUNCTIONS || server, directory],
      },
      say: (line) => process.stdout.write(`${line}\n`),
    },
    stop,
  );
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
