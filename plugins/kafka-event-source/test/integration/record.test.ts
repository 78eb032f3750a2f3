import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { startProgram } from '../support/program.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { Bench, type Handler, type Lambda, success, until } from './bench.ts';

const MAIN = join(ROOT, 'cli/main.ts');
const env = plainEnvironment() as NodeJS.ProcessEnv;
const FILE = join(tmpdir(), `kes-record-${process.pid}.sqlite`);
const broker = () => ['--broker', process.env.KAFKA_BROKERS ?? ''];

/** The service of the bench's topic in a folder of its own, as on another machine. */
async function machine(bench: Bench, batchSize: number, settings: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'kes-record-'));
  const kafka = { topic: bench.topic, consumerGroupId: bench.groupId, batchSize };
  const functions = { notify: { events: [{ kafka }] } };
  const text = JSON.stringify({ apiPort: 0, functions, ...settings });
  await writeFile(join(folder, 'kafka-event-source.yml'), text);
  return {
    record: async (...args: string[]) => {
      const given = [MAIN, 'record', ...args, ...broker()];
      return promisify(execFile)(process.execPath, given, {
        cwd: folder,
        env,
        timeout: 60_000,
      }).then(
        (output) => ({ code: 0, ...output }),
        (error) => error as { code: number; stdout: string; stderr: string },
      );
    },
    /** Runs the mappings until the check is done. */
    start: async (lambda: Lambda, check: (output: () => string) => Promise<void>) => {
      const args = [MAIN, 'start', '--endpoint', lambda.endpoint, ...broker()];
      await using program = startProgram(process.execPath, args, { cwd: folder, env });
      const { output } = program;
      await until('the start', () => output().includes('ready.'), {
        withinMs: 40_000,
        seen: output,
      });
      await check(output);
      await program.end('SIGINT');
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const bodies = ({ invocations }: Lambda) => invocations.map(({ body }) => body);

test('100 events of a recorder run again on another machine, byte for byte, and it shows them', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  await bench.produce(
    Array.from({ length: 100 }, () => ({
      key: randomBytes(8),
      value: randomBytes(200),
      headers: { h: randomBytes(9) },
    })),
  );
  const [lambda, there] = [await bench.lambda(), await bench.lambda()];
  await using here = await machine(bench, 1);
  await here.start(lambda, async (output) => {
    await until('100 commits', async () => (await bench.committed()) === 100, { seen: output });
  });
  expect(bodies(lambda)).toHaveLength(100);
  expect(await here.record('export', '-o', 'none/here.sqlite')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^Error: \/\S+\/none\/here\.sqlite cannot be written: there is no folder \/\S+\/none\.$/m,
    ),
  });
  expect(await here.record('export', '-o', FILE, '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"invocations": 100'),
  });

  try {
    await using other = await machine(bench, 1);
    const { stdout: imported } = await other.record('import', '--file', FILE, '--name', 'bug 7');
    expect(imported).toMatch(/^Imported .*, stage local, of .*Z as "bug 7"\. .*\?imported=bug%207/);
    await other.start(there, async (output) => {
      const [, url = '', token] = /page (http:\S+)\/\?token=(\S+)/.exec(output()) ?? [];
      const get = async (path: string) => {
        const headers = { authorization: `Bearer ${token}` };
        // biome-ignore lint/suspicious/noExplicitAny: each path has another answer.
        return (await (await fetch(`${url}${path}`, { headers })).json()) as any;
      };
      const { items } = await get('/api/imports');
      expect(items).toMatchObject([
        {
          name: 'bug 7',
          stage: 'local',
          mappings: [{ functionKey: 'notify', topic: bench.topic }],
        },
      ]);
      expect((await get('/api/records')).items).toEqual([]);
      const records = await get('/api/records?imported=bug%207&state=done');
      expect(records).toMatchObject({ imported: 'bug 7', next: expect.any(String) });
      const [{ id }] = (await get('/api/invocations?imported=bug%207')).items;
      expect(await get(`/api/invocations/${id}?imported=bug%207`)).toMatchObject({
        payload: bodies(lambda).at(-1),
      });
      expect((await get(`/api/invocations/${id}`)).error).toMatchObject({ code: 'NotFound' });
    });
    expect(there.invocations).toEqual([]);

    const replay = (endpoint = there.endpoint) =>
      other.record('replay', '--file', FILE, '--endpoint', endpoint);
    expect(await replay()).toMatchObject({
      code: 0,
      stdout: 'Ran 100 invocations again: 100 answered the same, 0 differ.\n',
    });
    expect(bodies(there)).toEqual(bodies(lambda));

    there.handle((_, index) => (index === 142 ? { body: '{"batchItemFailures":[]}' } : success));
    const differing = await replay();
    expect(differing).toMatchObject({
      code: 1,
      stderr: 'Error: 1 of 100 answers differ.\n',
      stdout: expect.stringMatching(
        /^notify .*Z .*: differs\n {2}was: answered null\n {2}now: answered \{"batchItemFailures":\[\]\}\nRan 100 /,
      ),
    });
    // No program listens at port 1.
    expect(await replay('http://127.0.0.1:1')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/The function notify was not reached: .*--endpoint/),
    });
  } finally {
    await rm(FILE, { force: true });
  }
}, 120_000);

test('private values are not in the export, and come from Kafka while it has them', async () => {
  await using bench = new Bench();
  await bench.createTopic();
  const contact = 'jane.private@example.com';
  await bench.produce([{ key: 'k', value: JSON.stringify({ contact, id: 7 }) }]);
  const tell: Handler = ({ records: [record] }) => {
    const value = JSON.parse(Buffer.from(record?.value ?? '', 'base64').toString());
    return { body: JSON.stringify({ told: value.contact }) };
  };
  const [lambda, there] = [await bench.lambda(tell), await bench.lambda(tell)];
  const settings = { recorder: { private: ['$.contact'] } };
  await using here = await machine(bench, 1, settings);
  await here.start(lambda, async (output) => {
    await until('the commit', async () => (await bench.committed()) === 1, { seen: output });
  });
  await here.record('export', '-o', FILE);
  try {
    const exported = await readFile(FILE);
    expect(exported.includes(contact)).toBe(false);
    expect(exported.includes('[private]')).toBe(true);

    await using other = await machine(bench, 1, settings);
    const replay = async () => {
      const args = ['--file', FILE, '--endpoint', there.endpoint, '--json'];
      const { stdout } = await other.record('replay', ...args);
      return JSON.parse(stdout);
    };
    expect((await replay()).counts).toEqual({
      same: 1,
      differs: 0,
      leftOut: 0,
      fromKafka: 1,
      placeholders: 0,
    });
    expect(bodies(there)).toEqual(bodies(lambda));

    await bench.deleteUpTo(1);
    const { counts, invocations } = await replay();
    expect(counts).toMatchObject({ same: 1, fromKafka: 0, placeholders: 1 });
    expect(invocations).toMatchObject([
      { event: 'placeholders', why: expect.stringContaining('from offset 0 to 0 no more') },
    ]);
    const [record] = there.invocations.at(-1)?.records ?? [];
    expect(Buffer.from(record?.value ?? '', 'base64').toString()).toBe(
      '{"contact":"[private]","id":7}',
    );
  } finally {
    await rm(FILE, { force: true });
  }
}, 120_000);
