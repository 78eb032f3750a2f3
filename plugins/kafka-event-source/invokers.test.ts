import { expect, test } from '@jest/globals';
import { Invokers } from './invokers.ts';
import type { Mapping } from './mapping.ts';

const mapping = {
  functionKey: 'notify',
  functionName: 'shop-notify',
  functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:shop-notify',
  qualifier: 'live',
  lambdaEndpoint: 'aws',
  source: { eventSource: 'SelfManagedKafka', bootstrapServers: 'a:1' },
} as Mapping;
const arn = 'arn:aws:lambda:us-east-1:111:function:shop';

test.each([
  [undefined, 'shop-notify:live'],
  ['shop', 'shop:live'],
  ['shop:old', 'shop:old'],
  ['shop:$LATEST', 'shop:$LATEST'],
  [arn, `${arn}:live`],
])(
  'the name %s of a deployed function is called with the alias of its mapping: %s',
  (name, called) => {
    const names = new Map(name === undefined ? [] : [['notify', name]]);
    const invokers = new Invokers({ endpoint: 'http://localhost:1', names });
    expect(invokers.awsWarning([mapping])).toContain(`: ${called} in us-east-1 (`);
  },
);
