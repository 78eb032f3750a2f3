'use strict';

const Refusal = require('./refusal.cjs');

const TOPIC = '249 letters, digits, "_", "." and "-", the first of them no "."';

/** The topic of such a stage would be another stage's dead letters. */
const TAKEN = /^dlq(-|$)/;

/** What DynamoDB, Kafka and Lambda take as a name, by the variable that sets it. */
const RULES = {
  table: ['ORDERS_TABLE', /^[\w.-]{3,255}$/, '3 to 255 letters, digits, "_", "." and "-"'],
  // AWS's patterns for `Topics` and `OnFailure.Destination` of a mapping; the second takes one character, too:
  // https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
  // https://docs.aws.amazon.com/lambda/latest/api/API_OnFailure.html
  events: ['ORDER_EVENTS_TOPIC', /^[\w-][\w.-]{1,248}$/, `2 to ${TOPIC}`],
  deadLetters: ['ORDER_EVENTS_DLQ', /^[\w-][\w.-]{0,248}$/, `1 to ${TOPIC}`],
  group: [
    'ORDER_NOTIFICATIONS_GROUP',
    /^[\w/*:+=.@-]{1,200}$/,
    '1 to 200 letters, digits and "-/*:_+=.@"',
  ],
};

/**
 * The names of a stage's table, topics and consumer group. Stages `local` and `prod` have the plain
 * ones, every other stage its own, so that all fit into one account and on one Kafka.
 *
 * The group of a renamed topic has the topic in its name: AWS takes no second mapping with the same
 * group on the same servers, and the new mapping is made before the old one is removed.
 */
function givenNames(stage, env) {
  const suffix = stage === 'local' || stage === 'prod' ? '' : `-${stage}`;
  const plain = `order-events${suffix}`;
  const events = env.ORDER_EVENTS_TOPIC || plain;
  const ownGroup = `order-notifications${suffix}`;
  return {
    table: env.ORDERS_TABLE || `orders${suffix}`,
    events,
    deadLetters: env.ORDER_EVENTS_DLQ || `order-events-dlq${suffix}`,
    group: env.ORDER_NOTIFICATIONS_GROUP || (events === plain ? ownGroup : `${ownGroup}.${events}`),
  };
}

/**
 * The same, refusing what AWS would refuse only when half of the stack is made.
 *
 * @throws Refusal that names the variable to set, or says which stage to choose
 */
function namesOf(stage, env) {
  if (TAKEN.test(stage)) {
    throw new Refusal(
      `The stage "${stage}" is not possible: its topic order-events-${stage} would be the dead letters of another stage. ` +
        'Choose a name that does not begin with "dlq".',
    );
  }
  const names = givenNames(stage, env);
  for (const [key, [variable, rule, words]] of Object.entries(RULES)) {
    if (rule.test(names[key])) continue;
    throw new Refusal(`The name "${names[key]}" is not possible: ${variable} must be ${words}.`);
  }
  if (names.events !== names.deadLetters) return names;
  throw new Refusal(
    `"${names.events}" would be the topic of events and that of dead letters: notify would read its own letters ` +
      'and write them again, for ever. Set ORDER_EVENTS_TOPIC or ORDER_EVENTS_DLQ to another name.',
  );
}

// The framework shows an error of this function once for each use of a name, with its stack: plugins/deploy refuses.
module.exports = async ({ resolveVariable }) =>
  givenNames(await resolveVariable('sls:stage'), process.env);
module.exports.namesOf = namesOf;
