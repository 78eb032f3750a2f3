/** The options of `sls kafka generate-event` as the framework describes and prints them. */
export const GENERATE_OPTIONS = {
  function: { usage: 'The function whose mapping is meant', type: 'string', shortcut: 'f' },
  topic: { usage: "The topic to take records from, when it is not the mapping's", type: 'string' },
  partition: { usage: 'The partition of a real record (0)', type: 'string' },
  offset: { usage: 'Take the real record at this offset from Kafka', type: 'string' },
  count: { usage: 'How many records from there on (1)', type: 'string' },
  kind: {
    usage: 'Without --offset: self-managed, msk, tombstone, poison or partitions',
    type: 'string',
  },
  output: { usage: 'Write it to this file', type: 'string', shortcut: 'o' },
  json: { usage: 'Events are JSON in any case', type: 'boolean' },
} as const;
