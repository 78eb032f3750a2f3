import fc from 'fast-check';

const SURROGATES = { first: 0xd800, count: 0x800 };

const character = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count));

/**
 * Texts of any characters, and words that are members of every object, such as `__proto__`. As
 * `fc.string({ unit: 'binary' })`, but that first makes a table of all 1.1 million characters.
 */
export function anyText({ minLength = 0 } = {}): fc.Arbitrary<string> {
  const ofAny = fc.array(character, { minLength }).map((characters) => characters.join(''));
  return fc.oneof({ weight: 4, arbitrary: ofAny }, fc.string({ minLength }));
}
