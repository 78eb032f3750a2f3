import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

// In a process of its own: the class is replaced for all of it.
test("workers that are nobody's handlers begin as they would, and in the end all do", () => {
  const source = join(import.meta.dirname, 'serverless-offline.ts');
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
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(JSON.parse(output)).toEqual({
    answers: [5, 5, 5, 6],
    isReplaced: true,
    isRestored: true,
  });
});
