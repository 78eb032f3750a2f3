import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findDocker } from './choose.ts';
import { clear } from './data.ts';
import { composeReset } from './docker.ts';
import { ownOptions } from './options.ts';

const help = `npm run reset: clears the local data and logs in .local/, and what the emulator remembers of records in
.kafka-event-source/, and nothing else.

  npm run reset -- --all   everything in .local/, the jars too: the next start fetches them again
`;

const root = join(import.meta.dirname, '..');
const directory = join(root, '.local');
const memory = join(root, '.kafka-event-source');
const options = ownOptions(help, ['--all']);

try {
  await reset();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function reset() {
  const gone = clear(directory, options.has('--all'));
  process.stdout.write(`Cleared in .local/: ${gone.join(', ') || 'nothing was there'}\n`);
  if (existsSync(memory)) {
    rmSync(memory, { recursive: true });
    process.stdout.write('Cleared .kafka-event-source/\n');
  }
  if ((await findDocker()) !== '') return;
  execFileSync('docker', composeReset, { stdio: 'inherit', timeout: 60_000 });
  process.stdout.write('Removed the containers and volumes of docker-compose.yml\n');
}
