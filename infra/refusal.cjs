'use strict';

/** Settings of a stage that cannot be. The message says all that a person needs: plugins/deploy shows it without a stack. */
class Refusal extends Error {}

module.exports = Refusal;
