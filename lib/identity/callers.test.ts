import { afterEach, expect, jest, test } from '@jest/globals';
import { createSigner, customerClaims, NOW, SETTINGS } from '../../test/support/tokens.ts';
import { logger } from '../logger.ts';
import { ANYBODY, NOBODY } from './caller.ts';
import { createCallers } from './callers.ts';

const signer = await createSigner();
const tokens = { ...SETTINGS, keys: { given: { keys: [signer.jwk] } } };
const clock = { now: () => NOW };
const hashSecret = 's'.repeat(16);
const good = `Bearer ${await signer.sign(customerClaims())}`;
const expired = `Bearer ${await signer.sign(customerClaims({ exp: 1 }))}`;

afterEach(() => {
  jest.restoreAllMocks();
  logger.resetKeys();
});

const LAPTOP = 'http://localhost:8000';

function callers(
  identity: { isDemanded: boolean; tokens?: typeof tokens },
  { requestsPerMinute, dynamoEndpoint = LAPTOP }: Parts = {},
) {
  return createCallers(
    {
      identity: { tokens: undefined, ...identity },
      hashSecret,
      limits: { requestsPerMinute },
      dynamoEndpoint,
    },
    clock,
  );
}

type Parts = { requestsPerMinute?: number; dynamoEndpoint?: string };

test('without an issuer no token is read, and everybody is an operator', async () => {
  const { demand, ask, areDemanded } = callers({ isDemanded: false });
  expect(areDemanded).toBe(false);
  for (const header of [undefined, 'Bearer nonsense', good]) {
    expect([await demand(header), await ask(header)]).toEqual([ANYBODY, ANYBODY]);
  }
});

test('with an issuer a token that is there is checked, also where none is demanded', async () => {
  const { demand, ask } = callers({ isDemanded: false, tokens });
  expect(await demand(undefined)).toBe(ANYBODY);
  expect(await demand(good)).toMatchObject({ kind: 'customer', customerId: 'customer-1' });
  await expect(demand(expired)).rejects.toMatchObject({ code: 'TOKEN_EXPIRED' });
  await expect(demand('Basic YTpi')).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
  expect(await ask(undefined)).toBe(ANYBODY);
  expect(await ask(expired)).toBe(NOBODY);
});

test('where tokens are demanded, nobody comes without one; an open operation answers all', async () => {
  const { demand, ask, areDemanded } = callers({ isDemanded: true, tokens });
  expect(areDemanded).toBe(true);
  for (const header of [undefined, '']) {
    await expect(demand(header)).rejects.toMatchObject({ code: 'TOKEN_MISSING' });
    expect(await ask(header)).toBe(NOBODY);
  }
  expect(await demand(good)).toMatchObject({ customerId: 'customer-1' });
  expect(await ask(good)).toMatchObject({ customerId: 'customer-1' });
});

test('the log gets a hash of the caller, and nothing else of the token', async () => {
  const appended = jest.spyOn(logger, 'appendKeys');
  const { demand } = callers({ isDemanded: true, tokens });
  await demand(good);
  expect(appended.mock.calls).toEqual([[{ caller: expect.stringMatching(/^[\w-]{22}$/) }]]);
  appended.mockClear();
  await callers({ isDemanded: false, tokens }).demand(undefined);
  expect(appended).not.toHaveBeenCalled();
});

test('each caller has a number of requests a minute of their own', async () => {
  const { demand } = callers({ isDemanded: true, tokens }, { requestsPerMinute: 2 });
  const other = `Bearer ${await signer.sign(customerClaims({ sub: 'customer-2' }))}`;
  await demand(good);
  await demand(good);
  await expect(demand(good)).rejects.toMatchObject({
    code: 'TOO_MANY_REQUESTS',
    details: { retryAfter: 60 },
  });
  expect(await demand(other)).toMatchObject({ customerId: 'customer-2' });
});

test('callers without a token cannot be distinguished, so nothing limits them', async () => {
  const { demand } = callers({ isDemanded: false, tokens }, { requestsPerMinute: 1 });
  for (let count = 0; count < 3; count += 1) expect(await demand(undefined)).toBe(ANYBODY);
});

test('AUTH=off in an account warns at each cold start', () => {
  const warn = jest.spyOn(logger, 'warn').mockReturnValue();
  callers({ isDemanded: false });
  callers({ isDemanded: true, tokens }, { dynamoEndpoint: '' });
  expect(warn).not.toHaveBeenCalled();
  callers({ isDemanded: false, tokens }, { dynamoEndpoint: '' });
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('AUTH=off'));
});
