// No engine is needed: a stand-in for the docker command writes down how it was called.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startDocker } from '../../../local/docker.ts';
import { supervise } from '../../../plugins/kafka-event-source/broker/supervise.ts';

const { PATH } = process.env;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orders-docker-'));
  process.env.PATH = `${folder}:${PATH}`;
});

afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true, force: true });
});

/** The calls of docker, without the path of the compose file, until its supervisor has ended. */
async function start(script: string) {
  const calls = join(folder, 'calls');
  const record = `#!/bin/sh\necho "$KAFKA_PORT $DYNAMODB_PORT $KAFKA_UI_PORT $*" >> ${calls}\n`;
  writeFileSync(join(folder, 'docker'), record + script, { mode: 0o755 });
  const supervisor = supervise(folder);
  const said: string[] = [];
  const ports = { kafkaPort: 1, dynamoPort: 2, uiPort: 3 };
  const outcome = await startDocker({
    ...ports,
    supervisor,
    say: (line) => said.push(line),
  }).catch((error: Error) => error.message);
  await supervisor.stop();
  const lines = readFileSync(calls, 'utf8').trim().split('\n');
  return { outcome, said: said.join('\n'), calls: lines.map((l) => l.replace(/ -f \S+/, '')) };
}

test('Docker is started with the ports, waited for, and taken down at the end', async () => {
  const { outcome, said, calls } = await start('');
  expect(outcome).toEqual({
    kafkaBrokers: 'localhost:1',
    dynamoEndpoint: 'http://localhost:2',
  });
  expect(calls).toEqual(['1 2 3 compose up -d --wait', '1 2 3 compose down --timeout 4']);
  expect(said).toMatch(/LocalStack's free edition keeps nothing/);
});

test('a start that fails says so, and is taken down, too', async () => {
  const { outcome, calls } = await start('case "$*" in *up*) exit 18;; esac');
  expect(outcome).toMatch(/docker compose up failed \(exit 18\)/);
  expect(calls.at(-1)).toBe('1 2 3 compose down --timeout 4');
});
