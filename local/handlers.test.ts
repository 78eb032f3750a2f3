import { expect, test } from '@jest/globals';
import { commentIn } from './handlers.ts';

const SOURCE = `
/** Not this one. */
const ten = 10;

/**
 * count counts
 * to ten.
 *
 * Trigger: \`GET /ten\`
 * Input: {@link tenSchema}; nothing else
 * Answers: 200
 * Writes: nothing
 * Publishes: nothing
 * Safe to repeat because: ten stays ten
 */
export const handler = () => ten;
`;

test('the comment of a handler is read with its sentence and its fields', () => {
  expect(commentIn('count', SOURCE)).toEqual({
    name: 'count',
    sentence: 'count counts to ten.',
    fields: {
      Trigger: '`GET /ten`',
      Input: '`tenSchema`; nothing else',
      Answers: '200',
      Writes: 'nothing',
      Publishes: 'nothing',
      'Safe to repeat because': 'ten stays ten',
    },
  });
});

test.each([
  ['a comment without a field', 'count', SOURCE.replace(' * Writes: nothing\n', ''), 'Writes'],
  ['no comment of the function', 'add', SOURCE, 'Trigger'],
])('%s is told, with the file and the field', (_, name, source, field) => {
  const told = `functions/${name}/handler.ts: the handler's comment has no "${field}:".`;
  expect(() => commentIn(name, source)).toThrow(told);
});
