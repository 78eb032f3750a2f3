import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/** The JSON that a script prints in a process of its own: members of Node's modules are replaced in all of it. */
function printedBy(script: string): unknown {
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  return JSON.parse(output);
}

test("workers that are nobody's handlers begin as they would, and in the end all do", () => {
  const source = join(import.meta.dirname, '../../lambda/serverless-offline.ts');
  const script = `
    import { once } from 'node:events';
    import threads from 'node:worker_threads';
    import { mendAnswers } from ${JSON.stringify(source)};
    const code = 'process.getBuiltinModule("node:worker_threads").parentPort.postMessage(5)';
    const url = new URL('data:text/javascript,' + encodeURIComponent(
      'import { parentPort } from "node:worker_threads"; parentPort.postMessage(6)'));
    const before = threads.Worker;
    const restore = await mendAnswers(new Map([['f', undefined]]));
    const answers = [];
    for (const [file, options] of [
      [code, { eval: true }],
      [code, { eval: true, workerData: 1 }],
      [code, { eval: true, workerData: null }],
      [url],
    ]) {
      const [answer] = await once(new threads.Worker(file, options), 'message');
      answers.push(answer);
    }
    const isReplaced = threads.Worker !== before;
    restore();
    console.log(JSON.stringify({ answers, isReplaced, isRestored: threads.Worker === before }));`;
  expect(printedBy(script)).toEqual({
    answers: [5, 5, 5, 6],
    isReplaced: true,
    isRestored: true,
  });
});

test("a service without functions of other languages keeps Node's own function to begin processes", () => {
  const source = join(import.meta.dirname, '../../lambda/runners.ts');
  const script = `
    import processes from 'node:child_process';
    import { mendRunners } from ${JSON.stringify(source)};
    const { spawn } = processes;
    const isKept = async (...runtimes) => {
      const functions = runtimes.map((runtime, key) => [String(key), { runtime, timeoutMs: 1 }]);
      const restore = await mendRunners(new Map(functions), { print: () => undefined });
      const kept = processes.spawn === spawn;
      restore();
      return kept;
    };
    const kept = [await isKept('nodejs24.x', undefined), await isKept('nodejs24.x', 'python3.13')];
    console.log(JSON.stringify([...kept, processes.spawn === spawn]));`;
  expect(printedBy(script)).toEqual([true, false, true]);
});

test('an instance whose call ran into the time limit is used no more; one whose handler threw is', () => {
  const source = join(import.meta.dirname, '../../lambda/serverless-offline.ts');
  const script = `
    import Lambda from 'serverless-offline/lambda';
    import { guardHandlers } from ${JSON.stringify(source)};
    class LambdaTimeoutError extends Error {}
    class Instance {
      constructor(error) { this.error = error; }
      get status() { return 'IDLE'; }
      async runHandler() { throw this.error; }
      async cleanup() {}
    }
    const statuses = [];
    Lambda.prototype.get = (error) => new Instance(error);
    await guardHandlers(() => undefined);
    for (const error of [new LambdaTimeoutError('late'), new Error('thrown')]) {
      const instance = Lambda.prototype.get(error);
      const message = await instance.runHandler().catch(({ message }) => message);
      statuses.push([message, instance.status]);
    }
    console.log(JSON.stringify(statuses));`;
  expect(printedBy(script)).toEqual([
    ['late', 'ENDED'],
    ['thrown', 'IDLE'],
  ]);
});

test('an instance whose worker ended during a call is used no more, also if the answer still arrives', () => {
  const source = join(import.meta.dirname, '../../lambda/serverless-offline.ts');
  const script = `
    import { Worker } from 'node:worker_threads';
    import Lambda from 'serverless-offline/lambda';
    import { guardHandlers } from ${JSON.stringify(source)};
    const { promise, resolve } = Promise.withResolvers();
    class Instance {
      get status() { return 'IDLE'; }
      async runHandler() {
        new Worker('process.exit(3)', { eval: true });
        await promise;
      }
      async cleanup() {}
    }
    Lambda.prototype.get = () => new Instance();
    await guardHandlers(() => undefined);
    const instance = Lambda.prototype.get('print');
    const message = await instance.runHandler().catch(({ message }) => message);
    resolve();
    console.log(JSON.stringify([message, instance.status]));`;
  expect(printedBy(script)).toEqual(['Runtime exited with error: exit status 3', 'ENDED']);
});

test('a second copy of serverless-offline in the service is named, with the advice; the same copy is not', async () => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'kes-copy-')));
  const copy = join(folder, 'node_modules/serverless-offline');
  await mkdir(copy, { recursive: true });
  const description = { name: 'serverless-offline', exports: { './lambda': './lambda.js' } };
  await writeFile(join(copy, 'package.json'), JSON.stringify(description));
  await writeFile(join(copy, 'lambda.js'), '');
  const source = join(import.meta.dirname, '../../lambda/serverless-offline.ts');
  const script = `
    import { warningOfCopy } from ${JSON.stringify(source)};
    const folders = ${JSON.stringify([folder, import.meta.dirname, tmpdir()])};
    console.log(JSON.stringify(folders.map((folder) => warningOfCopy(folder) ?? null)));`;
  const [warning, ...others] = printedBy(script) as string[];
  await rm(folder, { recursive: true });
  expect(warning).toContain(`(${join(copy, 'lambda.js')})`);
  expect(warning).toContain('npm ls serverless-offline');
  expect(others).toEqual([null, null]);
});
