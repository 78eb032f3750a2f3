/** The names in messages that differ between the plugin and the command. */
export interface Words {
  /** The place of all settings. */
  readonly settings: string;
  /** The places from which a setting of this machine may come. */
  readonly origin: string;
  /** The name of a setting, with its place. */
  readonly setting: (name: string) => string;
  /** The file with the mappings of the service. */
  readonly template: string;
  /** The command that runs the mappings, in backquotes. */
  readonly start: string;
  /** The way to give the mappings of a function a broker of this machine, as a sentence. */
  readonly localBroker: (functionKey: string) => string;
  /** The way to name a broker, as the rest of a sentence. */
  readonly otherBroker: string;
  /** Settings that only this program has, at the place of all settings. */
  readonly ownSettings: readonly string[];
}

let current: Words = {
  settings: 'custom.kafkaEventSource',
  origin: 'custom.kafkaEventSource',
  setting: (name) => `custom.kafkaEventSource.${name}`,
  template: 'serverless.yml',
  start: '`sls offline start` or `lambda-kafka-event-source start`',
  localBroker: (functionKey) =>
    `Set custom.kafkaEventSource.bootstrapServers, or custom.kafkaEventSource.mappings.${functionKey}.` +
    'bootstrapServers, to the local broker.',
  otherBroker: 'set custom.kafkaEventSource.bootstrapServers',
  ownSettings: [],
};

/** The names for the messages of this process: those of the plugin, until the command has set its own. */
export function words(): Words {
  return current;
}

/** Sets the names for the messages of this process, before its first message. */
export function useWords(own: Words): void {
  current = own;
}
