import metadata from 'kafkajs/src/protocol/requests/metadata/v6/response.js';

const { parse } = metadata;

/**
 * Lets kafkajs write to partitions with a leader while another partition of the topic has none.
 * Without this, kafkajs refuses the metadata of the whole topic. A write to the partition
 * without a leader still fails.
 */
export function tolerateLostLeaders(): void {
  metadata.parse = (answer) => parse({ ...answer, topicMetadata: answer.topicMetadata.map(led) });
}

/** A topic without any leader is still refused: the topic may have just been made. */
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
