import { beforeEach, expect, test } from '@jest/globals';
import { createSigner, ISSUER, NOW } from '../../test/support/tokens.ts';
import { until } from '../../test/support/until.ts';
import { AppError } from '../errors.ts';
import type { KeySet } from '../key-set.ts';
import { createKeys, type Keys } from './keys.ts';

const [first, second, third] = await Promise.all([createSigner(), createSigner(), createSigner()]);

/** An issuer whose fetches are counted, and answered when the test says so. */
let published: KeySet['keys'];
let isAway: boolean;
let fetches: number;
let held: PromiseWithResolvers<void> | undefined;
let time: number;
let keys: Keys;

const wait = (seconds: number) => {
  time += seconds * 1000;
};
const clock = { now: () => new Date(time) };

beforeEach(() => {
  published = [first.jwk];
  isAway = false;
  fetches = 0;
  held = undefined;
  time = NOW.getTime();
  keys = createKeys({ issuer: ISSUER }, clock, async ({ issuer }) => {
    expect(issuer).toBe(ISSUER);
    fetches += 1;
    const answer = { keys: [...published] };
    await held?.promise;
    if (isAway) throw new Error('connection refused');
    return answer;
  });
});

/** The code of the refusal and its wait, or that the key was found. */
async function find(kid: string): Promise<string> {
  try {
    await keys.find({ alg: 'RS256', kid });
    return 'found';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { retryAfter } = error.details;
    return `${error.code}${retryAfter === undefined ? '' : ` ${retryAfter}`}`;
  }
}

test('keys are fetched at the first token, once for all that come at a time, and kept', async () => {
  expect(fetches).toBe(0);
  const all = await Promise.all(Array.from({ length: 50 }, () => find(first.kid)));
  expect(new Set(all)).toEqual(new Set(['found']));
  wait(599);
  expect(await find(first.kid)).toBe('found');
  expect(fetches).toBe(1);
});

test('a new key is found by the fetch that its first token causes', async () => {
  await find(first.kid);
  wait(60);
  published = [first.jwk, second.jwk];
  expect(await find(second.kid)).toBe('found');
  expect(await find(first.kid)).toBe('found');
  expect(fetches).toBe(2);
});

test('a key that a fresh fetch lacks is refused; until the next fetch nobody knows', async () => {
  expect(await find('unknown')).toBe('TOKEN_INVALID');
  expect(await find('unknown')).toBe('KEY_UNKNOWN 60');
  wait(59.5);
  expect(await find('other')).toBe('KEY_UNKNOWN 1');
  wait(0.5);
  expect(await find('other')).toBe('TOKEN_INVALID');
  expect(fetches).toBe(2);
});

test('a flood of unknown keys makes one fetch a minute, and hides no new key for longer', async () => {
  await find(first.kid);
  for (let minute = 0; minute < 10; minute += 1) {
    for (let count = 0; count < 200; count += 1) {
      await find(`unknown-${minute}-${count}`);
      wait(0.3);
    }
    expect(fetches).toBeLessThanOrEqual(minute + 2);
  }
  await find('unknown');
  published = [first.jwk, second.jwk];
  const answers = new Set<string>();
  for (let count = 0; count < 61; count += 1) {
    await find(`unknown-${count}`);
    answers.add((await find(second.kid)).split(' ')[0] ?? '');
    wait(1);
  }
  expect(answers).toEqual(new Set(['KEY_UNKNOWN', 'found']));
});

test('a key published while a fetch is under way is never refused', async () => {
  await find(first.kid);
  wait(60);
  held = Promise.withResolvers();
  const earlier = find('unknown');
  await until('the fetch to begin', () => fetches === 2 || undefined);
  published = [first.jwk, second.jwk]; // After the issuer has written its answer.
  const later = find(second.kid);
  held.resolve();
  expect([await earlier, await later]).toEqual(['TOKEN_INVALID', 'KEY_UNKNOWN 60']);
  wait(60);
  expect(await find(second.kid)).toBe('found');
});

test('while the issuer is away known keys stay valid, with one fetch a minute; unknown ones get KEYS_AWAY after ten minutes', async () => {
  await find(first.kid);
  isAway = true;
  for (let minute = 1; minute <= 60; minute += 1) {
    wait(60);
    expect(await find(first.kid)).toBe('found');
    const code = minute < 10 ? 'KEY_UNKNOWN' : 'KEYS_AWAY';
    expect(await find(second.kid)).toMatch(new RegExp(`^${code} `));
  }
  expect(fetches).toBe(61);
  isAway = false;
  published = [second.jwk];
  wait(60);
  expect(await find(second.kid)).toBe('found');
});

test('known keys do not wait for a fetch that somebody else has begun', async () => {
  await find(first.kid);
  wait(600);
  held = Promise.withResolvers();
  const begun = find(first.kid);
  expect(await find(first.kid)).toBe('found');
  held.resolve();
  expect(await begun).toBe('found');
});

test('the issuer away from the start is asked again after seconds, not after a minute', async () => {
  isAway = true;
  expect(await find(first.kid)).toBe('KEYS_AWAY 5');
  wait(4);
  expect(await find(first.kid)).toBe('KEYS_AWAY 1');
  expect(fetches).toBe(1);
  for (const [pause, next] of [
    [1, 10],
    [10, 20],
    [20, 40],
    [40, 60],
    [60, 60],
  ] as const) {
    wait(pause);
    expect(await find(first.kid)).toBe(`KEYS_AWAY ${next}`);
  }
  expect(fetches).toBe(6);
  wait(60);
  isAway = false;
  expect(await find(first.kid)).toBe('found');
});

test('a key that the issuer has taken back is refused after ten minutes at the latest', async () => {
  await find(first.kid);
  published = [second.jwk];
  wait(599);
  expect(await find(first.kid)).toBe('found');
  wait(1);
  expect(await find(first.kid)).toBe('TOKEN_INVALID');
  expect(await find(first.kid)).toBe('KEY_UNKNOWN 60');
});

test('a clock that is set back does not stop the fetches', async () => {
  await find(first.kid);
  wait(-86_400);
  published = [second.jwk];
  expect(await find(second.kid)).toBe('found');
});

test('a clock that is set back keeps no key that the issuer has taken back', async () => {
  await find(first.kid);
  wait(-5 * 3600);
  published = [second.jwk];
  wait(600);
  expect(await find(first.kid)).toBe('TOKEN_INVALID');
  expect(await find(second.kid)).toBe('found');
});

test('given keys need no issuer, and another key is refused', async () => {
  keys = createKeys({ given: { keys: [first.jwk, third.jwk] } }, clock);
  expect(await find(third.kid)).toBe('found');
  expect(await find(second.kid)).toBe('TOKEN_INVALID');
  expect(fetches).toBe(0);
});

test('two keys of one name are both found', async () => {
  published = [first.jwk, { ...second.jwk, kid: first.kid }];
  expect(await keys.find({ alg: 'RS256', kid: first.kid })).toHaveLength(2);
});

test('a key that cannot be used counts as absent', async () => {
  const { n, e, ...rest } = first.jwk;
  const short = { ...rest, n: String(n).slice(0, 171), e };
  for (const broken of [rest, { ...rest, e }, short]) {
    published = [broken, second.jwk];
    expect(await find(first.kid)).toBe('TOKEN_INVALID');
    expect(await find(second.kid)).toBe('found');
    published = [broken, { ...first.jwk }];
    wait(60);
    expect(await find('unknown')).toBe('TOKEN_INVALID');
    expect(await find(first.kid)).toBe('found');
    wait(600);
  }
});
