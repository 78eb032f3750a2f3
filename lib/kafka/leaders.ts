import metadata from 'kafkajs/src/protocol/requests/metadata/v6/response.js';

const { parse } = metadata;

/**
 * Lets kafkajs write to the partitions of a topic that have a leader while another one has none: for
 * one such partition it refuses all that a broker says of the topic. A write to that one still fails.
 */
export function tolerateLostLeaders(): void {
  metadata.parse = (answer) => parse({ ...answer, topicMetadata: answer.topicMetadata.map(led) });
}

/** A topic none of whose partitions has a leader is refused as ever: it may have just been made. */
function led<T extends Parameters<typeof metadata.parse>[0]['topicMetadata'][number]>(topic: T): T {
  const { partitionMetadata } = topic;
  const isLost = ({ partitionErrorCode }: { partitionErrorCode: number }) =>
    partitionErrorCode !== 0;
  if (partitionMetadata.every(isLost)) return topic;
  return {
    ...topic,
    partitionMetadata: partitionMetadata.map((one) => ({ ...one, partitionErrorCode: 0 })),
  };
}
