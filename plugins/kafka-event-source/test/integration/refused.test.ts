import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { link, PLUGIN } from '../support/root.ts';
import { sls, startOffline } from '../support/sls.ts';
import { Bench, until } from './bench.ts';

const secret = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:x';

/** A service with a mapping that AWS accepts and one that it refuses. */
async function createService({ topic, groupId }: Bench, strict: boolean): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kes-refused-'));
  const kafka = {
    accessConfigurations: { saslScram512Auth: secret },
    bootstrapServers: ['kafka.invalid:9096'],
    topic,
    consumerGroupId: groupId,
  };
  const event = (own: object) => ({
    handler: 'handler.run',
    events: [{ kafka: { ...kafka, ...own } }],
  });
  const service = {
    service: 'refused',
    frameworkVersion: '4',
    plugins: [PLUGIN, 'serverless-offline'],
    provider: { name: 'aws', runtime: 'nodejs24.x', stage: 'local' },
    custom: { kafkaEventSource: { bootstrapServers: process.env.KAFKA_BROKERS, strict } },
    functions: {
      taken: { handler: 'handler.run', events: [{ kafka }, { httpApi: '*' }] },
      refused: event({ onFailureDestination: `kafka://${topic}`, consumerGroupId: 'other' }),
    },
  };
  await writeFile(join(folder, 'serverless.json'), JSON.stringify(service));
  await writeFile(
    join(folder, 'handler.mjs'),
    "export const run = async ({ records }) => { console.log('got ' + Object.values(records).flat().length); };\n",
  );
  await link(folder);
  return folder;
}

test('beside a mapping that AWS refuses, sls offline goes on and the others run', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produceCount(1);
  const folder = await createService(bench, false);
  const offline = await startOffline(folder);
  try {
    const options = { withinMs: 40_000, seen: offline.printed };
    await until('the record', () => offline.printed().includes('got 1\n'), options);
    expect(offline.printed()).toMatch(
      /refused \([^)]+\) is not started\. functions\.refused\.events\.kafka: AWS refuses it: The on-failure destination is the source topic/,
    );
    const { stdout } = await sls(['kafka', 'status', '--json'], folder);
    const reason = /^it does not start: .*on-failure destination is the source topic/;
    expect(JSON.parse(stdout).mappings).toMatchObject([
      { state: 'Enabled' },
      { state: 'Refused', why: expect.arrayContaining([expect.stringMatching(reason)]) },
    ]);
  } finally {
    await offline.stop();
    await rm(folder, { recursive: true });
  }
});

test('with strict, a mapping that AWS refuses ends sls offline with an error', async () => {
  await using bench = new Bench();
  const folder = await createService(bench, true);
  try {
    const { code, stdout, stderr } = await sls(['offline', 'start', '--lambdaPort', '0'], folder);
    const printed = stdout + stderr;
    expect(code).toBe(1);
    expect(printed).toMatch(/The on-failure destination is the source topic/);
    expect(printed).toMatch(/custom\.kafkaEventSource\.strict is true/);
    expect(printed).not.toMatch(/\n\s+at .*\.ts:/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
