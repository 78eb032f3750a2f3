import type { Context } from 'aws-lambda';
import { loadConfig } from '../../lib/config.ts';
import { reportBacklog } from '../../lib/order/backlog-report.ts';
import { composeOutbox } from '../../lib/order/compose.ts';
import type { OutboxDeps } from '../../lib/order/outbox.ts';
import { relayPending } from '../../lib/order/relay.ts';
import { taskHandler } from '../../lib/task.ts';

/**
 * relayOutbox publishes the events that their handlers could not publish.
 *
 * Trigger: every minute
 * Input: nothing
 * Answers: the numbers of events and orders that it published
 * Writes: the mark of each published event; on an order that Kafka refuses, the reason and the end of its pause
 * Publishes: every event that is pending for more than 3 s, an order's oldest first
 * Safe to repeat because: an event that is published twice is the same, byte for byte
 */
export const createHandler = (deps: OutboxDeps) =>
  taskHandler((context: Context) =>
    reportBacklog(deps, () => relayPending(deps, () => context.getRemainingTimeInMillis())),
  );

export const handler = createHandler(composeOutbox(loadConfig()));
