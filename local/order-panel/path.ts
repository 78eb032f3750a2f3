/** The path of one order: from the request to each message, as steps. It reads nothing. */
import type { Preferences } from '../../lib/notification/preferences/preferences.ts';
import type { StoredEvent } from '../../lib/order/events.ts';
import { pendingOf } from '../../lib/order/outbox.ts';
import type { StoredOrder } from '../../lib/order/stored.ts';
import { orderKey } from '../../lib/table.ts';
import { traceIdOf } from '../../lib/trace.ts';
import type {
  PanelSection,
  PanelState,
  PanelStep,
  PanelText,
  PanelView,
} from '../../plugins/kafka-event-source/console/panel.ts';
import {
  INVOCATION_TONES,
  RECORD_TONES,
  stateWords,
} from '../../plugins/kafka-event-source/console/states.ts';
import type {
  InvocationSummary,
  RecordLife,
  RecordState,
} from '../../plugins/kafka-event-source/recorder/types.ts';
import { messageOf, type NotificationRecord, notificationStep } from './notification.ts';

/** The unexpected failures of an event in a row, and the time of the first one. */
export type Failures = { attempts: number; firstAt: string };

export type OrderFacts = {
  table: string;
  topic: string;
  stored: StoredOrder;
  notifications: NotificationRecord[];
  /** By the event's id. */
  failures: ReadonlyMap<string, Failures>;
  /** The recorded records of the order, oldest first; undefined without a recorder. */
  records: RecordLife[] | undefined;
  /** The recorded invocations, by their ids. */
  invocations: ReadonlyMap<string, InvocationSummary>;
  preferences: Pick<Preferences, 'language' | 'timeZone'>;
  now: Date;
};

const INVOCATIONS = 5;

/** A record in one of these states goes on by itself. */
const GOING_ON: readonly RecordState[] = ['waiting', 'inFlight', 'retrying', 'reportedFailed'];

/** The whole path of an order, a section for each of its events. */
export function orderView(facts: OrderFacts): PanelView {
  const { order, events } = facts.stored;
  const sorted = events.toSorted((a, b) => a.sequence - b.sequence);
  return {
    title: `Order ${order.id}`,
    state: { tone: order.status === 'cancelled' ? 'idle' : 'ok', words: order.status },
    said: `${order.customerId} · ${order.totalAmount.toFixed(2)} ${order.currency} · version ${order.version}`,
    sections: sorted.map((event) => sectionOf(event, facts)),
  };
}

function sectionOf(event: StoredEvent, facts: OrderFacts): PanelSection {
  const steps = [requestStep(event, facts), itemStep(event, facts), eventStep(event, facts)];
  const isPublished = event.publishedAt !== undefined;
  const lives = facts.records?.filter((life) => eventIdOf(life) === event.id) ?? [];
  const notifications = facts.notifications.filter(({ eventId }) => eventId === event.id);
  return {
    title: `${event.sequence} · ${event.type}`,
    steps: [
      ...steps,
      ...(isPublished && lives.length === 0 ? [unseenStep(facts)] : []),
      ...lives.flatMap((life) => [recordStep(life, event, facts), ...invocationSteps(life, facts)]),
      ...notifications.map((one) => stepOf(one, event, facts)),
      ...(notifications.length === 0 && lives.some(({ state }) => state === 'done')
        ? [silentStep()]
        : []),
    ],
  };
}

/** The request is known by its event: nothing else of it is kept. */
function requestStep(event: StoredEvent, { stored }: OrderFacts): PanelStep {
  const isFirst = event.sequence === 1;
  const trace = traceIdOf(event.headers.traceparent);
  return {
    title: isFirst ? 'POST /api/orders' : `PUT /api/orders/${stored.order.id}/status`,
    at: Date.parse(event.timestamp),
    state: { tone: 'ok', words: 'accepted' },
    facts: [
      ['Function', isFirst ? 'createOrder' : 'updateStatus'],
      ...(trace ? [['Trace', { text: trace, link: { trace } }] as [string, PanelText]] : []),
    ],
  };
}

function itemStep(event: StoredEvent, { stored, table }: OrderFacts): PanelStep {
  const { pk, sk } = orderKey(stored.order.id);
  return {
    title: `Item, version ${event.sequence}`,
    at: Date.parse(event.timestamp),
    state: { tone: 'ok', words: 'stored' },
    said: 'The order and its event are one write.',
    facts: [
      ['Table', table],
      ['Key', `${pk}, ${sk}`],
    ],
  };
}

function eventStep(event: StoredEvent, { stored, topic }: OrderFacts): PanelStep {
  const { publishedAt, id, type } = event;
  return {
    title: `Event ${type}`,
    ...(publishedAt && { at: Date.parse(publishedAt) }),
    ...publication(event, stored),
    facts: [
      ['Event id', id],
      ['Topic', topic],
    ],
  };
}

/** The state of an event in the outbox, and what it waits for. */
function publication(
  { id, publishedAt }: StoredEvent,
  { events, kafkaRefusal }: StoredOrder,
): Pick<PanelStep, 'state' | 'waitsFor'> {
  if (publishedAt !== undefined) return { state: { tone: 'ok', words: 'published' } };
  const [next] = pendingOf(events);
  const pending: PanelState = { tone: 'warn', words: 'pending' };
  if (next && next.id !== id) {
    return { state: pending, waitsFor: `event ${next.sequence} of the order, which goes first.` };
  }
  if (!kafkaRefusal) {
    return {
      state: pending,
      waitsFor:
        'Kafka, which has not acknowledged it. relayOutbox, which runs every minute, publishes it as soon as Kafka answers.',
    };
  }
  const { since, at, attempts, reason } = kafkaRefusal;
  return {
    state: { tone: 'bad', words: 'refused' },
    waitsFor:
      'the next try of relayOutbox, which pauses 1, 2, 4 … 60 minutes between tries. ' +
      `Kafka has refused the event since ${since} (tried ${times(attempts)}, last at ${at}): ${reason}.`,
  };
}

function unseenStep({ records, topic }: OrderFacts): PanelStep {
  return {
    title: `Record of ${topic}`,
    state: { tone: 'idle', words: 'not seen' },
    said: records
      ? 'The recorder does not have it: the mapping has not read it yet (the view Now says why), or it was removed because of the limits of the recorder.'
      : 'Nothing is recorded, so its partition and offset are not known here.',
  };
}

function recordStep(life: RecordLife, { id }: StoredEvent, { failures }: OrderFacts): PanelStep {
  const { mapping, topic, topicId, partition, offset, state, seenAt, attempts, functionKey } = life;
  const why = life.why ?? life.reason;
  const failed = failures.get(id);
  const isGoingOn = GOING_ON.includes(state);
  const counted =
    isGoingOn && failed
      ? ` notify has failed unexpectedly ${times(failed.attempts)} since ${failed.firstAt}; after ten times in ten minutes the record goes to the dead letters.`
      : '';
  return {
    title: {
      text: `${topic} ${partition}:${offset}`,
      link: { record: { mapping, topic, topicId, partition, offset } },
    },
    at: seenAt,
    state: { tone: RECORD_TONES[state], words: stateWords(state) },
    ...(why && !isGoingOn && { said: why }),
    ...(isGoingOn && { waitsFor: `${why ?? `an answer of ${functionKey}.`}${counted}` }),
    facts: [
      ['Topic', topic],
      ['Partition', String(partition)],
      ['Offset', offset],
      ['Attempts', String(attempts)],
    ],
  };
}

function invocationSteps(life: RecordLife, { invocations }: OrderFacts): PanelStep[] {
  return invocationIds(life).flatMap((id) => {
    const found = invocations.get(id);
    if (!found) return [];
    const { state, startedAt, durationMs, attempt, records, functionKey, error } = found;
    return {
      title: { text: `Invocation of ${functionKey}`, link: { invocation: id } },
      at: startedAt,
      state: { tone: INVOCATION_TONES[state], words: stateWords(state) },
      ...(error && { said: error }),
      facts: [
        ['Attempt', String(attempt)],
        ['Records in the batch', String(records)],
        ...(durationMs === undefined
          ? []
          : [['Duration', `${Math.round(durationMs)} ms`] as [string, string]]),
      ],
    };
  });
}

/** The newest invocations of a record: one that fails for hours has many, which its own view shows. */
export function invocationIds({ events }: Pick<RecordLife, 'events'>): string[] {
  const ids = new Set(events.flatMap(({ invocation }) => invocation ?? []));
  return [...ids].slice(-INVOCATIONS);
}

function stepOf(record: NotificationRecord, event: StoredEvent, facts: OrderFacts): PanelStep {
  const { stored, preferences, now } = facts;
  const last = Math.max(...stored.events.map(({ sequence }) => sequence));
  return notificationStep(record, messageOf(record, event.value, preferences), {
    now,
    query: { order: stored.order.id, notification: record.sk },
    isOpen: event.sequence === last,
  });
}

function silentStep(): PanelStep {
  return {
    title: 'No notification',
    state: { tone: 'warn', words: 'not on record' },
    said: 'notify is done with the record, and the ledger has nothing of it: the event may be in the dead letters, or its notifications are older than 90 days.',
  };
}

/** The id of the event in a record. */
function eventIdOf({ headers }: Pick<RecordLife, 'headers'>): string | undefined {
  const [, bytes] = headers.find(([name]) => name === 'ce_id') ?? [];
  return bytes && Buffer.from(bytes.base64, 'base64').toString();
}

const times = (count: number) => (count === 1 ? 'once' : `${count} times`);
