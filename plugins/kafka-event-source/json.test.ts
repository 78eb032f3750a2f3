import { expect, test } from '@jest/globals';
import { parseToWrite } from './json.ts';

test.each([
  '{"timestamp":1764345600123456789,"offset":15,"list":[1,-9223372036854775808]}',
  '[1.0,1e3,0.1,"1764345600123456789",null,true]',
])('%s is written again with the same digits', (text) => {
  expect(JSON.stringify(parseToWrite(text))).toBe(text);
});

test('a number that JavaScript does not round stays a number', () => {
  expect(parseToWrite('{"offset":15}')).toEqual({ offset: 15 });
});
