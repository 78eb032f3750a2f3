import { expect, test } from '@jest/globals';
import { withCommandNames } from './log.ts';

test.each([
  [
    'Set custom.kafkaEventSource.bootstrapServers, or custom.kafkaEventSource.mappings.pay.ssl.',
    'Set bootstrapServers in kafka-event-source.yml, or mappings.pay.ssl in kafka-event-source.yml.',
  ],
  ['custom.kafkaEventSource: Unrecognized', 'kafka-event-source.yml: Unrecognized'],
  [
    'no `sls offline start` or `lambda-kafka-event-source start` of this service',
    'no `lambda-kafka-event-source start` of this service',
  ],
  ['No `sls offline start` runs', 'No `lambda-kafka-event-source start` runs'],
  [
    'changed in serverless.yml: `sls kafka status`',
    'changed in the template: `lambda-kafka-event-source status`',
  ],
  ['polling orders, partitions 0', 'polling orders, partitions 0'],
])('%s becomes %s', (text, expected) => {
  expect(withCommandNames(text)).toBe(expected);
});
