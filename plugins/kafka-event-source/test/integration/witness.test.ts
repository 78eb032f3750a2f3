/** The templates of public projects start, and their mappings deliver; `npm run test:witness` starts each alone. */
import { expect, test } from '@jest/globals';
import { deliver } from '../witness/deliver.ts';
import { ofFramework, runsOf, SHAPES } from '../witness/shapes.ts';

const brokers = process.env.KAFKA_BROKERS ?? '';
const names = Object.keys(SHAPES);
const mappingsOf = (files: readonly string[]) =>
  files.flatMap((file) => runsOf(SHAPES[file] ?? { read: [] })).length;

test('the services of public projects, as one service, start and deliver', async () => {
  const services = names.filter(ofFramework);
  const mappings = mappingsOf(services);
  expect(await deliver(services, brokers)).toEqual({ mappings, records: mappings });
});

test.concurrent.each(names.filter((file) => !ofFramework(file)))(
  '%s starts and delivers',
  async (file) => {
    const { mappings, records } = await deliver([file], brokers);
    expect(mappings).toBe(mappingsOf([file]));
    expect(records).toBeGreaterThan(0);
  },
);
