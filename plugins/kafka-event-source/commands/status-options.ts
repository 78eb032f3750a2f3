/** The options of `sls kafka status` as the framework describes and prints them. */
export const STATUS_OPTIONS = {
  function: { usage: 'Only the mappings of this function', type: 'string', shortcut: 'f' },
  json: { usage: 'Print JSON', type: 'boolean' },
} as const;
