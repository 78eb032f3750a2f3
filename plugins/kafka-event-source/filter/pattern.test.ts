import { expect, test } from '@jest/globals';
import { parsePattern } from './pattern.ts';

const faultOf = (text: string) => {
  try {
    parsePattern(text);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

const refused: readonly (readonly [what: string, text: string, fault: RegExp])[] = [
  ['nothing', '', /not JSON/],
  ['text that is not JSON', '{value:[1]}', /not JSON/],
  ['null', 'null', /not an object/],
  ['a simple text', '"simple string"', /not an object/],
  ['an empty object', '{}', /the pattern is an empty object/],
  ['an empty object inside', '{"value":{"a":{}}}', /value\.a is an empty object/],
  ['a value outside a list', '{"value":{"a":"x"}}', /value\.a must be an object or a list/],
  ['an empty list', '{"value":[]}', /value is an empty list/],
  ['a list in a list', '{"value":[["x"]]}', /value has a list in its list/],
  ['an unknown operator', '{"value":[{"like":"x"}]}', /no operator like/],
  ["an operator of JavaScript's", '{"value":[{"constructor":"x"}]}', /no operator constructor/],
  ['two operators in one object', '{"value":[{"prefix":"x","suffix":"y"}]}', /two operators/],
  ['a prefix that is no text', '{"value":[{"prefix":1}]}', /prefix needs a text/],
  ['exists that is no boolean', '{"value":[{"exists":"yes"}]}', /exists is true or false/],
  ['numeric that is no list', '{"value":[{"numeric":10}]}', /numeric needs a list/],
  ['an unknown comparison', '{"value":[{"numeric":["!=",10]}]}', /knows =, <, <=, > and >=/],
  ['a comparison with a text', '{"value":[{"numeric":[">","10"]}]}', /compares with numbers/],
  ['a range upside down', '{"value":[{"numeric":[">",20,"<",10]}]}', /bottom at or above its top/],
  ['anything-but of mixed values', '{"value":[{"anything-but":["x",1]}]}', /texts or numbers/],
  ['anything-but of null', '{"value":[{"anything-but":[null]}]}', /texts or numbers/],
  ['anything-but with exists', '{"value":[{"anything-but":{"exists":true}}]}', /takes values/],
  ['$or of one', '{"$or":[{"value":["x"]}]}', /at least two objects/],
  ['$or that is no list', '{"$or":{"value":["x"]}}', /at least two objects/],
  ['a reserved word below $or', '{"$or":[{"prefix":["x"]},{"a":["x"]}]}', /reserved word/],
  ['two stars in a row', '{"value":[{"wildcard":"x**"}]}', /two stars/],
  ['a stray backslash', '{"value":[{"wildcard":"x\\\\y"}]}', /backslash/],
  ['no range of addresses', '{"value":[{"cidr":"10.0.0.0/33"}]}', /not a range of addresses/],
];

test.each(refused)('%s is refused, with the reason', (_, text, fault) => {
  expect(faultOf(text)).toMatch(fault);
});

test("operators that Lambda's own table leaves out are taken and named", () => {
  const pattern = {
    value: [
      { wildcard: '*' },
      { 'anything-but': { prefix: 'x' } },
      { prefix: 'y' },
      { cidr: '::/1' },
    ],
  };
  expect(parsePattern(JSON.stringify(pattern)).unlisted).toEqual([
    'wildcard',
    'anything-but with prefix',
    'cidr',
  ]);
});
