import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

const IMPORTS = `
  import { en } from '${ROOT}/lib/notification/templates/en.ts';
  import type { Language, Template } from '${ROOT}/lib/notification/templates/language.ts';
  const { ORDER_SHIPPED, ...others } = en.events;
  const { sms, ...withoutSms } = ORDER_SHIPPED;
  const { email } = ORDER_SHIPPED;
  const { more, ...labels } = en.labels;
  const { closing, ...withoutClosing } = email;
  const { heading, ...withoutHeading } = email;
`;

/** Languages as somebody may write them, and what the build says of them. */
const CASES = {
  whole: ['export const a: Language = { ...en, tag: "fr" };', undefined],
  closing: ['export const a: Template = { ...ORDER_SHIPPED, email: withoutClosing };', undefined],
  event: ['export const a: Language = { ...en, events: others };', 'ORDER_SHIPPED'],
  channel: ['export const a: Template = withoutSms;', "'sms'"],
  heading: ['export const a: Template = { ...ORDER_SHIPPED, email: withoutHeading };', "'heading'"],
  label: ['export const a: Language = { ...en, labels };', "'more'"],
  status: ['export const a: Language = { ...en, statuses: {} };', "'Record<"],
  value: [
    'export const a: Template = { ...ORDER_SHIPPED, sms: ({ orderNumber }) => orderNumber };',
    'orderNumber',
  ],
} satisfies Record<string, [source: string, complaint: string | undefined]>;

let folder: string;
let said: string;

beforeAll(async () => {
  // Inside the project, so that its packages are found.
  await mkdir(join(ROOT, '.local'), { recursive: true });
  folder = await mkdtemp(join(ROOT, '.local/types-'));
  const config = { extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'], exclude: [] };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  for (const [name, [source]] of Object.entries(CASES)) {
    await writeFile(join(folder, `${name}.ts`), `${IMPORTS}${source}\n`);
  }
  said = await new Promise((resolve) => {
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    execFile(tsc, ['--noEmit', '-p', folder], { timeout: 50_000 }, (_, stdout) => resolve(stdout));
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(Object.entries(CASES))(
  'the build of "%s" says what is missing',
  (name, [, complaint]) => {
    const own = said.split('\n').filter((line) => line.includes(`${name}.ts(`));
    if (complaint === undefined) expect(own).toEqual([]);
    else expect(own.join('\n')).toContain(complaint);
  },
);
