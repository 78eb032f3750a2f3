declare module 'kafkajs/src/protocol/requests/metadata/v6/response.js' {
  type Partition = { partitionErrorCode: number };
  type Topic = { topicErrorCode: number; partitionMetadata: Partition[] };
  const response: {
    parse<T extends { topicMetadata: Topic[] }>(metadata: T): Promise<T>;
  };
  // biome-ignore lint/style/noDefaultExport: a CommonJS module
  export default response;
}
