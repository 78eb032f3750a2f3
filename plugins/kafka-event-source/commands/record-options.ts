/** The options of `sls kafka record …` as the framework describes and prints them. */
export const EXPORT_OPTIONS = {
  output: {
    usage: 'The file to write (kafka-record.sqlite)',
    type: 'string',
    shortcut: 'o',
  },
  function: { usage: 'Only the records of this function', type: 'string', shortcut: 'f' },
  json: { usage: 'Print the counts as JSON', type: 'boolean' },
} as const;

export const IMPORT_OPTIONS = {
  file: { usage: 'The file of an export', type: 'string' },
  name: { usage: "Its name on the page (the file's name)", type: 'string' },
  json: { usage: 'Print the facts of the import as JSON', type: 'boolean' },
} as const;

export const REPLAY_OPTIONS = {
  file: { usage: 'The file of an export', type: 'string' },
  endpoint: {
    usage: "The functions' address (that of the settings, or of `sls offline start`)",
    type: 'string',
  },
  function: { usage: 'Only invocations of this function', type: 'string', shortcut: 'f' },
  invocation: { usage: 'Only the invocation with this id', type: 'string' },
  json: { usage: 'Print each answer as JSON', type: 'boolean' },
} as const;
