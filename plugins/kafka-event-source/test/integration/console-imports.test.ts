/** An import on the page, in a real browser. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { exportStore } from '../../recorder/export.ts';
import { importStore } from '../../recorder/imports.ts';
import { findChromium } from '../support/chromium.ts';
import { Bench, until } from './bench.ts';
import { openPage } from './console-page.ts';
import { startPage } from './console-service.ts';

const about = {
  service: 'shop',
  stage: 'theirs',
  exportedAt: Date.now(),
  mappings: [
    {
      uuid: 'm',
      name: 'notify (orders)',
      functionKey: 'notify',
      topic: 'orders',
      groupId: 'g',
      settings: { BatchSize: 7 },
    },
  ],
};

const run = findChromium() ? test : test.skip;

run(
  'an import is named and read-only, and leads back to the service',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kes-imports-'));
    try {
      await using bench = new Bench();
      await bench.createTopic();
      await bench.produce([{ key: 'k', value: 'of the import' }]);
      const lambda = await bench.lambda();
      await using service = await startPage(bench, lambda, { folder });
      await until('the commit', async () => (await bench.committed()) === 1);
      await service.engine.recorder?.flush();
      const file = join(folder, 'export.sqlite');
      // The mappings run on meanwhile.
      exportStore({ folder, stage: 'local', file, private: [], about });
      importStore(file, folder, 'bug 7');

      await using reader = await openPage(service);
      const { page } = reader;
      await page.getByRole('link', { name: 'bug 7' }).click();
      await page.getByRole('heading', { level: 1, name: 'Import bug 7' }).waitFor();
      await page.getByText('"BatchSize": 7').waitFor();
      await reader.look('import');
      const views = page.getByRole('navigation', { name: 'Views' }).getByRole('link');
      expect(await views.allTextContents()).toEqual(['Import', 'Records', 'Invocations', 'Traces']);

      await page.getByRole('link', { name: 'Records', exact: true }).click();
      await page.getByText('of the import').waitFor();
      await page.getByRole('link', { name: `${bench.topic} 0:0` }).click();
      await page.getByRole('heading', { name: 'Life' }).waitFor();
      await page.getByText('was invoked, attempt 1').waitFor();
      await page.getByRole('link', { name: /^Attempt 1/ }).click();
      await page.getByRole('heading', { level: 1, name: 'Invocation of notify' }).waitFor();
      expect(await page.getByRole('button', { name: /Run/ }).count()).toBe(0);
      await reader.look('import-invocation');

      await page.getByRole('link', { name: 'Back to this service' }).click();
      await page.getByRole('link', { name: 'Invocations', exact: true }).click();
      await page.getByRole('row').nth(1).getByRole('link').click();
      await page.getByRole('button', { name: 'Run again…' }).waitFor();
      expect([reader.foreign, reader.said]).toEqual([[], []]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  90_000,
);
