/** The options of `sls kafka alarms` as the framework describes and prints them. */
export const ALARMS_OPTIONS = { json: { usage: 'Print JSON', type: 'boolean' } } as const;
