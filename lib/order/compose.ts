import type { Config } from '../config.ts';
import { createProducer } from '../kafka/producer.ts';
import { silenceOf } from '../kafka/silence.ts';
import { openStore } from '../store.ts';
import type { OutboxDeps } from './outbox.ts';
import { createRepository } from './repository.ts';

/**
 * Makes all that publishes events from the configuration, optionally with another store.
 * Nothing connects before its first use.
 */
export function composeOutbox(config: Config, store = openStore(config)): OutboxDeps {
  return {
    repository: createRepository(store, config.tableLayout),
    producer: createProducer(config.brokers, config.signIn),
    topic: config.eventsTopic,
    clock: store.clock,
    silence: silenceOf(config),
  };
}
