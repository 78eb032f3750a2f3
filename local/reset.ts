import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findDocker } from './choose.ts';
import { clear } from './data.ts';
import { composeReset } from './docker.ts';

const help = `npm run reset: clears the local data and logs in .local/, and nothing else.

  npm run reset -- --all   everything in .local/, the jars too: the next start fetches them again
`;

const directory = join(import.meta.dirname, '../.local');
const options = process.argv.slice(2);

try {
  const unknown = options.find((option) => !['--all', '--help', '-h'].includes(option));
  if (unknown) throw new Error(`Unknown option ${unknown}.\n${help}`);
  if (options.some((option) => option !== '--all')) process.stdout.write(help);
  else await reset();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function reset() {
  const gone = clear(directory, options.includes('--all'));
  process.stdout.write(`Cleared in .local/: ${gone.join(', ') || 'nothing was there'}\n`);
  if ((await findDocker()) !== '') return;
  execFileSync('docker', composeReset, { stdio: 'inherit', timeout: 60_000 });
  process.stdout.write('Removed the containers and volumes of docker-compose.yml\n');
}
