import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { createDynamo } from '../dynamo.ts';
import { createProducer } from '../kafka/producer.ts';
import type { OutboxDeps } from './outbox.ts';
import { createRepository } from './repository.ts';

/** What a function that publishes events needs, from its configuration. Nothing connects before its first use. */
export function wireOutbox(config: Config): OutboxDeps {
  return {
    repository: createRepository(createDynamo(config), config.table),
    producer: createProducer(config.brokers, config.signIn),
    topic: config.eventsTopic,
    clock: systemClock,
  };
}
