import { expect, test } from '@jest/globals';
import { createProfiles } from '../../support/profiles.ts';
import { functionsInYml } from '../../support/root.ts';
import { OFFLINE, Run } from './run.ts';

/** The most lines of a start beside one for each route, so that a start fits on a screen. */
const BESIDE_ROUTES = 9;
const ROUTE = /^[A-Z ]+ \/api\//;

/** As in the script `npm start`. */
const NODE_OPTIONS = '--disable-warning=TimeoutNegativeWarning';

/** The output of a start until it is ready. */
async function startedWith(output: 'short' | 'whole', AWS_PROFILE: string): Promise<string> {
  await using run = await Run.create();
  const profiles = await createProfiles();
  await using _ = { [Symbol.asyncDispose]: profiles.remove };
  const person = { ...profiles.environment, AWS_PROFILE };
  const options = { FUNCTIONS: OFFLINE, OUTPUT: output, NODE_OPTIONS, ...person };
  await run.start(options).says(/^ready: .+$/m, 100_000);
  // The mapping may report its partitions in the same moment, after the line.
  const printed = /^.*\nready: [^\n]+\n/s.exec(run.output)?.[0] ?? run.output;
  process.kill(-run.pid, 'SIGINT');
  expect(await run.ended()).toBe(0);
  return printed;
}

test('a start is short, whatever the profile: the services, each route once, the mapping, the page, and ready', async () => {
  const printed = await startedWith('short', 'gone');
  const lines = printed.trimEnd().split('\n');
  // All lines, so that a failure shows which of them are too many.
  const beside = lines.filter((line) => !ROUTE.test(line));
  expect(beside.length > BESIDE_ROUTES ? beside : []).toEqual([]);
  for (const [, { events }] of Object.entries(functionsInYml())) {
    for (const { httpApi } of events) {
      if (typeof httpApi !== 'string' || httpApi === '*') continue;
      const [method = '', path = ''] = httpApi.split(' ');
      const shown = lines.filter((line) => line.trimEnd().endsWith(` ${path}`));
      expect([httpApi, shown]).toEqual([httpApi, [expect.stringContaining(method)]]);
    }
  }
  expect(printed).toMatch(/^\s*Kafka event source: notify \(order-events\)/m);
  expect(printed).toMatch(/^\s*Kafka event source: page http:\S+\/\?token=\S+$/m);
  expect(lines.at(-1)).toMatch(/^ready: HTTP API http:\S+, Lambda http:\S+, Kafka \S+, DynamoDB /);
}, 150_000);

test('asked for the whole output, serverless-offline shows its boxes, too', async () => {
  expect(await startedWith('whole', 'mfa')).toContain('Server ready');
}, 150_000);
