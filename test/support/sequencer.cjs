const { default: Sequencer } = require('@jest/test-sequencer');

/** The files that take longest. Most of their time they wait. */
const LONG = [
  'e2e/kafka-outage',
  'integration/remembered',
  'runtime/frozen',
  'e2e/invoke-local',
  'integration/expelled',
  'integration/redrive',
  'integration/console',
  'runtime/roles',
  'local/ends',
  'integration/leaderless',
  'local/fails',
  'integration/broker',
  'contract/stages',
  'local/screen',
  'e2e/crash',
  'notify/random',
].map((name) => `/${name}.test.ts`);

/**
 * Begins with the long files, so that no worker is left with one at the end. Jest itself knows the time
 * of a file from earlier runs only; in a fresh clone it begins with the largest files.
 */
module.exports = class LongFirst extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    const isLong = ({ path }) => LONG.some((end) => path.endsWith(end));
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
};
