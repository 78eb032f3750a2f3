/** The templates of public projects start, and each mapping delivers; `npm run test:witness` runs each alone. */
import { expect, test } from '@jest/globals';
import { deliver } from '../witness/deliver.ts';
import { ofFramework, runsOf, SHAPES } from '../witness/shapes.ts';

const names = Object.keys(SHAPES);

test('services of public projects, as one service, start and deliver', async () => {
  const services = names.filter(ofFramework);
  const { mappings, records } = await deliver(services, process.env.KAFKA_BROKERS ?? '');
  const count = services.flatMap((file) => runsOf(SHAPES[file] ?? { read: [] })).length;
  expect([mappings, records]).toEqual([count, count]);
});

test.each(names.filter((file) => !ofFramework(file)))('%s starts and delivers', async (file) => {
  const { mappings } = await deliver([file], process.env.KAFKA_BROKERS ?? '');
  expect(mappings).toBeGreaterThan(0);
});
