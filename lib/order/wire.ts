import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createDynamo } from '../dynamo.ts';
import { createProducer } from '../kafka/producer.ts';
import type { OutboxDeps } from './outbox.ts';
import { createRepository } from './repository.ts';

/**
 * What publishes events, from the configuration, and with the table's client where that is at hand.
 * Nothing connects before its first use.
 */
export function wireOutbox(config: Config, dynamo = createDynamo(config)): OutboxDeps {
  return {
    repository: createRepository(dynamo, config.table),
    producer: createProducer(config.brokers, config.signIn),
    topic: config.eventsTopic,
    clock: systemClock,
  };
}
