import { expect, test } from '@jest/globals';
import names from './names.cjs';

const { namesOf } = names;

test.each(['local', 'prod'])('stage %s has the plain names', (stage) => {
  expect(namesOf(stage, {})).toEqual({
    table: 'orders',
    events: 'order-events',
    deadLetters: 'order-events-dlq',
    group: 'order-notifications',
  });
});

test.each(['dev', 'pr-12', 'constructor'])('stage %s has names of its own', (stage) => {
  expect(namesOf(stage, {})).toEqual({
    table: `orders-${stage}`,
    events: `order-events-${stage}`,
    deadLetters: `order-events-dlq-${stage}`,
    group: `order-notifications-${stage}`,
  });
});

test('a stage whose topic would be the dead letters of another one is refused', () => {
  for (const stage of ['dlq', 'dlq-dev'])
    expect(() => namesOf(stage, {})).toThrow(/begin with "dlq"/);
  expect(namesOf('dlqs', {}).events).toBe('order-events-dlqs');
});

test('the environment names all of them otherwise, and an empty variable none', () => {
  const set = {
    ORDERS_TABLE: 'one',
    ORDER_EVENTS_TOPIC: 'two',
    ORDER_EVENTS_DLQ: 'three',
    ORDER_NOTIFICATIONS_GROUP: 'g',
  };
  expect(namesOf('dev', set)).toEqual({
    table: 'one',
    events: 'two',
    deadLetters: 'three',
    group: 'g',
  });
  const empty = Object.fromEntries(Object.keys(set).map((name) => [name, '']));
  expect(namesOf('dev', empty)).toEqual(namesOf('dev', {}));
});

test.each([
  ['prod', 'order-events', 'order-notifications'],
  ['prod', 'order-events-v2', 'order-notifications.order-events-v2'],
  ['dev', 'order-events-dev', 'order-notifications-dev'],
  ['dev', 'order-events', 'order-notifications-dev.order-events'],
])('stage %s with the topic %s reads it in the group %s', (stage, ORDER_EVENTS_TOPIC, group) => {
  expect(namesOf(stage, { ORDER_EVENTS_TOPIC }).group).toBe(group);
});

test('no two stages or topics share a group', () => {
  const groups = ['prod', 'dev', 'pr', 'pr-12', 'dev-order-events'].flatMap((stage) =>
    [undefined, 'order-events-v2', 'pr-12', '12'].map(
      (ORDER_EVENTS_TOPIC) => namesOf(stage, { ORDER_EVENTS_TOPIC }).group,
    ),
  );
  expect(new Set(groups).size).toBe(groups.length);
});

test('one topic cannot be that of the events and that of the dead letters', () => {
  for (const set of [
    { ORDER_EVENTS_DLQ: 'order-events' },
    { ORDER_EVENTS_TOPIC: 'order-events-dlq' },
  ])
    expect(() => namesOf('prod', set)).toThrow(/read its own letters.*ORDER_EVENTS_DLQ/);
});

test.each([
  ['ORDERS_TABLE', 'or', 'ord'],
  ['ORDERS_TABLE', 'o'.repeat(256), 'o'.repeat(255)],
  ['ORDERS_TABLE', 'all orders', 'all_orders.1'],
  ['ORDER_EVENTS_TOPIC', 'order events', 'order_events.1'],
  ['ORDER_EVENTS_TOPIC', '..', '-.'],
  ['ORDER_EVENTS_TOPIC', 'e'.repeat(181), 'e'.repeat(180)], // the group has it in its name
  ['ORDER_EVENTS_TOPIC', 'e', 'ev'],
  ['ORDER_EVENTS_DLQ', 'd'.repeat(250), 'd'.repeat(249)],
  ['ORDER_EVENTS_DLQ', '.', 'd'],
  ['ORDER_EVENTS_DLQ', 'letters\n', 'letters'],
  ['ORDER_NOTIFICATIONS_GROUP', 'g'.repeat(201), 'g'.repeat(200)],
  ['ORDER_NOTIFICATIONS_GROUP', 'a group', 'a:group'],
])(
  '%s is refused before anything is deployed, as AWS would refuse it (%#)',
  (variable, wrong, right) => {
    expect(() => namesOf('prod', { [variable]: wrong })).toThrow(/is not possible: ORDER/);
    expect(Object.values(namesOf('prod', { [variable]: right }))).toContain(right);
  },
);
