import { expect, test } from '@jest/globals';
import { sls } from '../support/sls.ts';

/** No account answers at this address: the refusal comes before the first request. */
const NOWHERE = {
  AWS_ACCESS_KEY_ID: 'none',
  AWS_SECRET_ACCESS_KEY: 'none',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
};

test('a deployment to prod does not begin without issuer and audience, unless AUTH=off is written', async () => {
  const refused = await sls(['deploy', '--stage', 'prod'], NOWHERE);
  expect(refused.code).toBe(1);
  const printed = refused.stdout + refused.stderr;
  for (const name of ['AUTH_ISSUER', 'AUTH_AUDIENCE', 'HASH_SECRET']) {
    expect(printed).toContain(`${name} (now `);
  }
  const open = await sls(['deploy', '--stage', 'prod'], { ...NOWHERE, AUTH: 'off' });
  expect(open.stdout + open.stderr).toContain('KAFKA_BROKERS (now ');
  expect(open.stdout + open.stderr).not.toContain('AUTH_');
}, 60_000);

test.each([
  [{ KAFKA_KIND: 'msk' }, 'KAFKA_KIND is "msk". Set it to one of '],
  [{ AUTH: 'on' }, 'AUTH is "on". Set it to one of '],
  [{ AUTH: 'local' }, 'AUTH=local is for stage local alone'],
  [{ ORDER_EVENTS_DLQ: 'order-events' }, 'notify would read its own letters'],
])(
  'a deployment with %j is refused in one sentence, without a stack',
  async (setting, sentence) => {
    const { code, stdout, stderr } = await sls(['deploy', '--stage', 'prod'], {
      ...NOWHERE,
      ...setting,
    });
    expect(code).toBe(1);
    const printed = `${stdout}\n${stderr}`;
    const [, said] = printed.split('Error:\n');
    expect(said?.split('\n')[0]).toContain(sentence);
    expect(printed).not.toMatch(/^ +at /m);
  },
  60_000,
);
