import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from '@jest/globals';
import { until } from '../../test/support/until.ts';
import { watchFolders } from './watch.ts';

let root: string;
let calls: number;
let stop: () => void;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'orders-watch-'));
  await mkdir(join(root, 'lib/order'), { recursive: true });
  calls = 0;
  stop = watchFolders(
    root,
    () => ['lib'],
    async () => {
      calls += 1;
    },
  );
});

afterEach(async () => {
  stop();
  await rm(root, { recursive: true });
});

const called = (times: number) => until(`call ${times}`, () => calls >= times || undefined);

test('each time an editor replaces a file, the change is noticed', async () => {
  const file = join(root, 'lib/order/a.ts');
  for (const time of [1, 2, 3]) {
    await writeFile(`${file}.tmp`, String(time));
    await rename(`${file}.tmp`, file);
    await called(time);
  }
  await writeFile(file, 'in place');
  await called(4);
});

test('a file in a new folder is noticed', async () => {
  await mkdir(join(root, 'lib/more'));
  await called(1);
  await writeFile(join(root, 'lib/more/a.ts'), '');
  await called(2);
});

test('a folder that goes does not end the watching', async () => {
  await rm(join(root, 'lib/order'), { recursive: true });
  await called(1);
  await writeFile(join(root, 'lib/a.ts'), '');
  await called(2);
});
