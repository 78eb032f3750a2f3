import { expect, test } from '@jest/globals';
import { fetchByIds, metadataWithIds, type Request, type Requests } from './topic-ids.ts';

const ID = 'ab'.repeat(16);
const errors = {
  createErrorFromCode: (code: number) => new Error(`code ${code}`),
  outOfRange: (cause: Error, where: object) =>
    new Error(`${cause.message} ${JSON.stringify(where)}`),
};
const original = (highest: number): Requests => ({
  versions: Array.from({ length: highest + 1 }, (_, version) => String(version)),
  protocol: ({ version }) => {
    if (version > highest) throw new Error(`kafkajs has no version ${version}`);
    return () => ({ request: { apiVersion: version }, response: {} });
  },
});
const encoder = () => {
  throw new Error('nothing is encoded here');
};
const fetches = fetchByIds(
  original(11),
  encoder,
  async () => Buffer.alloc(0),
  async () => [],
  errors,
);
const metadata = metadataWithIds(original(6), encoder, errors);
const versionOf = (requests: Requests, version: number, options: object): unknown => {
  const request = requests.protocol({ version })(options as never).request;
  return (request as { apiVersion: number }).apiVersion;
};

test.each([
  [0, 0],
  [6, 6],
  [7, 6],
  [9, 6],
  [10, 10],
])('a broker that knows metadata up to version %s is asked by version %s', (known, asked) => {
  expect(versionOf(metadata, known, { topics: ['t'] })).toBe(asked);
});

test.each([
  [4, ID, 4],
  [11, ID, 11],
  [12, ID, 11],
  [13, ID, 13],
  [13, undefined, 11],
])(
  'a fetch at version %s from a topic with the id %s is one of version %s',
  (known, topicId, asked) => {
    const partitions = [{ partition: 0, fetchOffset: '0', maxBytes: 1, topicId }];
    expect(versionOf(fetches, known, { topics: [{ topic: 't', partitions }] })).toBe(asked);
  },
);

interface Response {
  parse(answer: object): Promise<object>;
}

const parse = (request: Request, answer: object) => (request.response as Response).parse(answer);
const partitionsWith = (...codes: number[]) =>
  codes.map((partitionErrorCode, partitionId) => ({ partitionErrorCode, partitionId }));

test.each([
  ['no partition', [0, 0], ['t'], undefined],
  ['one of two partitions', [0, 5], ['t'], undefined],
  ['both partitions', [5, 5], ['t'], 'code 5'],
  ['both partitions, asked for all topics', [5, 5], [], undefined],
])('metadata in which %s has no leader', async (_, codes, topics, refusal) => {
  const topicMetadata = [{ topicErrorCode: 0, partitionMetadata: partitionsWith(...codes) }];
  const parsed = parse(metadata.protocol({ version: 10 })({ topics } as never), { topicMetadata });
  if (refusal) await expect(parsed).rejects.toThrow(refusal);
  else expect(await parsed).toEqual({ topicMetadata });
});

test.each([
  ['the id is unknown', 100, /^code 3$/],
  ['the id is of another name', 103, /^code 3$/],
  ['the offset is out of range', 1, /^code 1 {"topic":"t","partition":7}$/],
  ['the broker is not the leader', 6, /^code 6$/],
])('a fetch in which %s is the error that kafkajs acts on', async (_, errorCode, refusal) => {
  const partitions = [{ partition: 0, fetchOffset: '0', maxBytes: 1, topicId: ID }];
  const request = fetches.protocol({ version: 13 })({
    topics: [{ topic: 't', partitions }],
  } as never);
  const answered = [{ topicName: 't', partitions: [{ partition: 7, errorCode }] }];
  await expect(parse(request, { errorCode: 0, responses: answered })).rejects.toThrow(refusal);
});
