import { expect, test } from '@jest/globals';
import { readUpdate } from './update.ts';

const refusal = (body: unknown) => {
  try {
    return readUpdate(body);
  } catch (error) {
    const { status, code, message } = error as { status: number; code: string; message: string };
    return [status, code, message];
  }
};
const serialization = (message: string) => [400, 'SerializationException', message];
const LIST = 'Start of list found where not expected';
const OBJECT = 'Start of structure or map found where not expected.';

test.each([
  [{ BatchSize: true }, 'TRUE_VALUE can not be converted to an Integer'],
  [{ BatchSize: false }, 'FALSE_VALUE can not be converted to an Integer'],
  [{ BatchSize: '10' }, 'STRING_VALUE can not be converted to an Integer'],
  [{ BatchSize: '' }, 'STRING_VALUE can not be converted to an Integer'],
  [{ BatchSize: [10] }, LIST],
  [{ BatchSize: {} }, OBJECT],
  [{ MaximumBatchingWindowInSeconds: true }, 'TRUE_VALUE can not be converted to an Integer'],
  [{ MaximumRetryAttempts: '1' }, 'STRING_VALUE can not be converted to an Integer'],
  [{ MaximumRecordAgeInSeconds: [] }, LIST],
  [{ ParallelizationFactor: '2' }, 'STRING_VALUE can not be converted to an Integer'],
  [
    { ProvisionedPollerConfig: { MinimumPollers: true } },
    'TRUE_VALUE can not be converted to an Integer',
  ],
  [
    { ProvisionedPollerConfig: { PollerGroupName: 1 } },
    'NUMBER_VALUE can not be converted to a String',
  ],
  [{ ProvisionedPollerConfig: 1 }, 'Expected null'],
  [{ ProvisionedPollerConfig: [] }, LIST],
  [{ Enabled: 1 }, 'NUMBER_VALUE can not be converted to a Boolean'],
  [{ Enabled: 'maybe' }, 'STRING_VALUE can not be converted to an Boolean'],
  [{ Enabled: {} }, OBJECT],
  [{ BisectBatchOnFunctionError: [] }, LIST],
  [{ FunctionName: 5 }, 'NUMBER_VALUE can not be converted to a String'],
  [{ FunctionName: true }, 'TRUE_VALUE can not be converted to a String'],
  [{ FilterCriteria: '{}' }, 'Expected null'],
  [{ FilterCriteria: { Filters: 'a' } }, 'Expected list or null'],
  [{ FilterCriteria: { Filters: {} } }, OBJECT],
  [{ FilterCriteria: { Filters: ['{}'] } }, 'Expected null'],
  [{ FilterCriteria: { Filters: [{ Pattern: {} }] } }, OBJECT],
  [
    { FilterCriteria: { Filters: [{ Pattern: 1 }] } },
    'NUMBER_VALUE can not be converted to a String',
  ],
  [{ FunctionResponseTypes: 'ReportBatchItemFailures' }, 'Expected list or null'],
  [{ FunctionResponseTypes: [true] }, 'TRUE_VALUE can not be converted to a String'],
  [{ DestinationConfig: { OnFailure: 'arn:x' } }, 'Expected null'],
  [
    { DestinationConfig: { OnFailure: { Destination: 1 } } },
    'NUMBER_VALUE can not be converted to a String',
  ],
  [{ MetricsConfig: { Metrics: 'EventCount' } }, 'Expected list or null'],
  [{ LoggingConfig: { SystemLogLevel: false } }, 'FALSE_VALUE can not be converted to a String'],
  [{ SourceAccessConfigurations: [{ URI: 1 }] }, 'NUMBER_VALUE can not be converted to a String'],
  [[], LIST],
])("%j is refused in the words of AWS's reader", (body, message) => {
  expect(refusal(body)).toEqual(serialization(message));
});

test.each([
  ['a fraction is cut off', { BatchSize: 1.9 }, { BatchSize: 1 }],
  ['a number beyond an integer is its limit', { BatchSize: 1e100 }, { BatchSize: 2 ** 31 - 1 }],
  ['a negative fraction is 0', { MaximumRetryAttempts: -0.5 }, { MaximumRetryAttempts: 0 }],
  ['the texts of a boolean are one', { Enabled: 'False' }, { Enabled: false }],
  ['null is left out', { BatchSize: null, Enabled: true }, { Enabled: true }],
  [
    'null in a structure and in a list is left out',
    { DestinationConfig: { OnFailure: null }, FunctionResponseTypes: [null] },
    { DestinationConfig: {}, FunctionResponseTypes: [] },
  ],
  [
    'an unknown member is left out',
    { Batchsize: 5, FilterCriteria: { a: 1 } },
    { FilterCriteria: {} },
  ],
  [
    'empty structures and lists stay',
    {
      DestinationConfig: { OnFailure: {} },
      ProvisionedPollerConfig: {},
      FunctionResponseTypes: [],
    },
    {
      DestinationConfig: { OnFailure: {} },
      ProvisionedPollerConfig: {},
      FunctionResponseTypes: [],
    },
  ],
  [
    'a member that every object has is unknown',
    { toString: 5, DestinationConfig: JSON.parse('{"__proto__":{"OnFailure":{}}}') },
    { DestinationConfig: {} },
  ],
])('%s', (_, body, read) => {
  expect(refusal(body)).toEqual(read);
});
