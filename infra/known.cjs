'use strict';

const Refusal = require('./refusal.cjs');

/** The value; the first of the known values, which is the usual one, in the place of an unknown one. */
function knownOf(values, value) {
  return values.includes(value) ? value : values[0];
}

/** @throws Refusal that names the variable and its known values */
function checkKnown(variable, values, value) {
  if (values.includes(value)) return;
  throw new Refusal(`${variable} is "${value}". Set it to one of ${values.join(', ')}.`);
}

module.exports = { knownOf, checkKnown };
