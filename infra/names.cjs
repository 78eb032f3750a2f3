'use strict';

/** The topic of such a stage would be another stage's dead letters. */
const TAKEN = /^dlq(-|$)/;

/**
 * The names of a stage's table, topics and consumer group. Stages `local` and `prod` have the plain
 * ones, every other stage its own, so that all fit into one account and on one Kafka.
 *
 * The group of a renamed topic has the topic in its name: AWS takes no second mapping with the same
 * group on the same servers, and the new mapping is made before the old one is removed.
 */
function namesOf(stage, env) {
  if (TAKEN.test(stage)) {
    throw new Error(
      `The stage "${stage}" is not possible: its topic order-events-${stage} would be the dead letters of another stage. ` +
        'Choose a name that does not begin with "dlq".',
    );
  }
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

module.exports = async ({ resolveVariable }) =>
  namesOf(await resolveVariable('sls:stage'), process.env);
module.exports.namesOf = namesOf;
