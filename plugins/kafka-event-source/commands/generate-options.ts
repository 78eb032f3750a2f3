/** The options of `sls kafka generate-event` as the framework describes and prints them. */
export const GENERATE_OPTIONS = {
  function: { usage: 'The function of the mapping', type: 'string', shortcut: 'f' },
  topic: { usage: "The topic of the records, if it is not the mapping's", type: 'string' },
  partition: { usage: 'The partition of a real record (0)', type: 'string' },
  offset: { usage: 'Take the real record at this offset from Kafka', type: 'string' },
  count: { usage: 'The number of records from that offset on (1)', type: 'string' },
  kind: {
    usage: 'Without --offset: self-managed, msk, tombstone, poison or partitions',
    type: 'string',
  },
  output: { usage: 'Write the event to this file', type: 'string', shortcut: 'o' },
  json: { usage: 'Changes nothing: events are always JSON', type: 'boolean' },
} as const;
