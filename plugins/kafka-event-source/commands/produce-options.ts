/** The options of `sls kafka produce` as the framework describes and prints them. */
export const PRODUCE_OPTIONS = {
  function: { usage: 'The function of the mapping', type: 'string', shortcut: 'f' },
  topic: { usage: "The topic of the records, if it is not the mapping's", type: 'string' },
  key: { usage: 'The key of the records (none)', type: 'string' },
  value: { usage: 'The value of one record; without it, each line of the input', type: 'string' },
  json: { usage: 'Print the places of the records as JSON', type: 'boolean' },
} as const;
