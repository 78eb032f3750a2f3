'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parse } = require('yaml');
const { checkKnown, knownOf } = require('./known.cjs');

const { networks, ...kinds } = parse(readFileSync(join(__dirname, 'kafka.yml'), 'utf8'), {
  merge: true,
});

/** The settings of a stage that choose a part of these files, by their names in `custom.stages`. The first value is the usual one. */
const CHOICES = {
  kafka: ['KAFKA_KIND', [...new Set(['self-managed-scram', ...Object.keys(kinds)])]],
  kafkaNetwork: ['KAFKA_NETWORK', Object.keys(networks)],
  reserve: ['RESERVE_CONCURRENCY', ['on', 'off']],
};

/** What a stage has chosen, else the environment; the usual value in the place of an unknown one. */
function givenChoices(own, env) {
  const chosen = Object.entries(CHOICES).map(([name, [variable, values]]) => {
    return [name, knownOf(values, own[name] || env[variable])];
  });
  return Object.fromEntries(chosen);
}

/** @throws Refusal that names the variable and its values */
function checkChoices(own, env) {
  for (const [name, [variable, values]] of Object.entries(CHOICES)) {
    const value = own[name] || env[variable];
    if (value) checkKnown(variable, values, value);
  }
}

// The framework shows an error of this function with a stack, and names no variable: plugins/deploy refuses.
module.exports = async ({ resolveVariable }) => {
  const stage = await resolveVariable('sls:stage');
  const stages = await resolveVariable('self:custom.stages');
  return givenChoices(stages[stage] ?? {}, process.env);
};
module.exports.checkChoices = checkChoices;
