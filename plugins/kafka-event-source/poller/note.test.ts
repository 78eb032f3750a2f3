import { expect, test } from '@jest/globals';
import { readNote, writeNote } from './note.ts';

const ID = '0123456789abcdef0123456789abcdef';

test.each([
  { topicId: ID, partitionsAtFirst: 0 },
  { topicId: ID, partitionsAtFirst: 12 },
  { topicId: undefined, partitionsAtFirst: undefined },
])('what is written with a commit is read again: %j', (note) => {
  expect(readNote(5, writeNote(note))).toEqual({ offset: 5, ...note });
});

test.each([null, '', 'by another tool', `topic-id=${ID}`])('%j says nothing', (text) => {
  const nothing = { topicId: undefined, partitionsAtFirst: undefined };
  expect(readNote(5, text)).toEqual({ offset: 5, ...nothing });
});
