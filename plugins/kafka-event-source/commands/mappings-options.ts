/** The options of `sls kafka mappings` as the framework describes and prints them. */
export const MAPPINGS_OPTIONS = {
  settings: {
    usage: 'Settings as JSON, in place of those in custom.kafkaEventSource',
    type: 'string',
  },
  json: { usage: 'Print JSON', type: 'boolean' },
  environment: {
    usage: 'With --json: adds the variables of each function, which may be secrets',
    type: 'boolean',
  },
} as const;
