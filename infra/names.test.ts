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
    ORDERS_TABLE: 't',
    ORDER_EVENTS_TOPIC: 'e',
    ORDER_EVENTS_DLQ: 'd',
    ORDER_NOTIFICATIONS_GROUP: 'g',
  };
  expect(namesOf('dev', set)).toEqual({ table: 't', events: 'e', deadLetters: 'd', group: 'g' });
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
