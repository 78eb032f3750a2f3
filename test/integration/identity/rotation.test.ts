// The issuer changes its keys while requests come in all the time: nobody with a good token is refused.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AppError } from '../../../lib/errors.ts';
import { createKeys } from '../../../lib/identity/keys.ts';
import { createTokens } from '../../../lib/identity/token.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { createSigner, customerClaims, NOW, SETTINGS, type Signer } from '../../support/tokens.ts';

const [first, second, third] = await Promise.all([createSigner(), createSigner(), createSigner()]);
const MINUTE = 60_000;

let issuer: TestIssuer;
let time: number;
let read: (header: string) => Promise<unknown>;

beforeEach(async () => {
  issuer = await startIssuer(first.jwk);
  time = NOW.getTime();
  const clock = { now: () => new Date(time) };
  const keys = createKeys({ issuer: issuer.issuer }, clock);
  read = createTokens({ settings: { ...SETTINGS, issuer: issuer.issuer }, keys, clock });
});

afterEach(() => issuer.close());

const tokenOf = async (signer: Signer, header = {}) => {
  const exp = Math.floor(time / 1000) + 3600;
  return `Bearer ${await signer.sign(customerClaims({ iss: issuer.issuer, exp }), header)}`;
};

/** "taken", or the code of the refusal. A refusal that asks to repeat has a time. */
async function answerTo(signer: Signer, header = {}): Promise<string> {
  try {
    await read(await tokenOf(signer, header));
    return 'taken';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.code !== 'TOKEN_INVALID') expect(error.details.retryAfter).toBeGreaterThan(0);
    return error.code;
  }
}

/** A request each second with the key that the issuer uses at that second, by `signerAt`. */
async function serve(seconds: number, signerAt: (second: number) => Signer, flood = 0) {
  const answers: string[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (let count = 0; count < flood; count += 1) {
      await answerTo(third, { kid: `unknown-${second}-${count}` });
    }
    answers.push(await answerTo(signerAt(second)));
    time += 1000;
  }
  return answers;
}

test('a key that is published before it is used is taken at once', async () => {
  await serve(120, () => first);
  issuer.publish(first.jwk, second.jwk);
  const answers = await serve(300, (at) => (at < 60 ? first : second));
  expect(new Set(answers)).toEqual(new Set(['taken']));
  issuer.publish(second.jwk);
  expect(new Set(await serve(700, () => second))).toEqual(new Set(['taken']));
  expect(await answerTo(first)).toMatch(/^(TOKEN_INVALID|KEY_UNKNOWN)$/);
});

test('after a flood of unknown keys a new key waits for a minute at most, and is never refused', async () => {
  await serve(90, () => first, 20);
  issuer.publish(first.jwk, second.jwk);
  const answers = await serve(90, () => second, 20);
  expect(new Set(answers)).toEqual(new Set(['KEY_UNKNOWN', 'taken']));
  expect(answers.lastIndexOf('KEY_UNKNOWN')).toBeLessThan(60);
  expect(answers.indexOf('taken')).toBe(answers.lastIndexOf('KEY_UNKNOWN') + 1);
  expect(issuer.fetches()).toBeLessThanOrEqual(4); // three minutes, and the first fetch
});

test('known keys are taken all through a flood', async () => {
  await answerTo(first);
  expect(new Set(await serve(180, () => first, 20))).toEqual(new Set(['taken']));
  expect(issuer.fetches()).toBeLessThanOrEqual(4);
});

test('the issuer away: known keys go on for an hour, a new one is not refused, and is taken afterwards', async () => {
  await answerTo(first);
  issuer.setAway(true);
  issuer.publish(first.jwk, second.jwk);
  for (let minute = 0; minute < 60; minute += 1) {
    const code = minute < 10 ? 'KEY_UNKNOWN' : 'KEYS_AWAY';
    expect([await answerTo(first), await answerTo(second)]).toEqual(['taken', code]);
    time += MINUTE;
  }
  issuer.setAway(false);
  time += MINUTE;
  expect(await answerTo(second)).toBe('taken');
});
