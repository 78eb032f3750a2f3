import { expect, test } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { type AdminOptions, type BatchClass, type Reader, withReader } from './reader.ts';

const ofKafka = (type: string) => Object.assign(new Error(type), { type });

/** Groups whose coordinator answers with these errors first. */
function readerOf(errors: readonly Error[]): Reader {
  const left = [...errors];
  const answer = async () => {
    const error = left.shift();
    if (error) throw error;
    return 'answered';
  };
  const cluster = { findGroupCoordinator: async () => ({ offsetCommit: answer }) };
  const admin = { describeGroups: answer, fetchOffsets: answer } as unknown as Admin;
  const options = { cluster } as unknown as AdminOptions;
  return withReader(admin, options, Object as unknown as BatchClass);
}

const calls = [
  ['describeGroups', (reader: Reader) => reader.describeGroups(['group'])],
  ['fetchOffsets', (reader: Reader) => reader.fetchOffsets({ groupId: 'group' })],
  ['commitOffsets', (reader: Reader) => reader.commitOffsets('group', 'topic', [])],
] as const;

test.concurrent.each(calls)(
  'a coordinator that moves or begins is asked again: %s',
  async (_, call) => {
    const moving = ['NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS'].map(ofKafka);
    const cause = ofKafka('GROUP_COORDINATOR_NOT_AVAILABLE');
    const reader = readerOf([...moving, new Error('as a cause', { cause })]);
    await expect(call(reader)).resolves.not.toThrow();
  },
);

test.each(calls)('another error is thrown at once: %s', async (_, call) => {
  const reader = readerOf([ofKafka('UNKNOWN_MEMBER_ID')]);
  await expect(call(reader)).rejects.toThrow('UNKNOWN_MEMBER_ID');
});
