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

test('the errors of a function in this process are logged', async () => {
  const logged: string[] = [];
  const runHandler = async () => {
    throw new Error('thrown by the test');
  };
  const set = () => undefined;
  const cleanup = async () => undefined;
  const instance = { setClientContext: set, setEvent: set, runHandler, cleanup };
  const invokers = new Invokers({
    endpoint: 'http://localhost:1',
    functions: () => ({
      listFunctionNames: () => ['shop-notify'],
      getByFunctionName: () => instance,
    }),
    log: { error: (line) => logged.push(line) },
  });
  const invoker = invokers.of({ ...mapping, lambdaEndpoint: undefined, timeoutMs: 1_000 });
  await invoker.invoke(Buffer.from('{}'));
  invoker.close();
  expect(logged).toEqual([expect.stringContaining('Error: thrown by the test')]);
});
