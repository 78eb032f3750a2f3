import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ROOT } from '../support/root.ts';

let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'kes runners-')));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly answer?: unknown;
  readonly error?: string;
}

/**
 * Calls a function for each event, one after the other, by serverless-offline's own classes, in a process of its
 * own: the runners are mended for all of it.
 */
function callEach(
  definition: { readonly handler: string; readonly runtime: string; readonly package?: object },
  events: readonly unknown[],
  { isOurs = true, timeout = 20, path = process.env.PATH, useDocker = false } = {},
): { outcomes: Outcome[]; printed: string } {
  const at = (file: string) => JSON.stringify(join(ROOT, 'lambda', file));
  const script = `
    import { once } from 'node:events';
    import http from 'node:http';
    import { findPackageJSON } from 'node:module';
    import { guardHandlers } from ${at('serverless-offline.ts')};
    import { mendRunners } from ${at('runners.ts')};
    const source = findPackageJSON('serverless-offline', ${at('runners.ts')}).replace('package.json', 'src/');
    const { setLogUtils } = await import(source + 'utils/log.js');
    const { default: Offline } = await import(source + 'lambda/index.js');
    const [error, debug] = [(...all) => console.error(...all), () => undefined];
    setLogUtils({ log: { error, warning: error, notice: error, debug } });
    const definition = ${JSON.stringify({ name: 'service-local-f', timeout, ...definition })};
    const functions = new Map([[${isOurs} ? 'f' : 'g', { runtime: definition.runtime, timeoutMs: ${timeout} * 1000 }]]);
    await guardHandlers(console.error);
    await mendRunners(functions, { useDocker: ${useDocker}, print: (line) => console.error('printed ' + line) });
    const serverless = {
      service: { service: 'service', provider: { region: 'us-east-1' }, package: {} },
      config: { servicePath: process.cwd(), serverlessPath: process.cwd() },
    };
    const offline = new Offline(serverless, { host: 'localhost', lambdaPort: 0, useDocker: ${useDocker}, dockerHost: 'localhost' });
    offline.create([{ functionKey: 'f', functionDefinition: definition }]);
    // The container, which answers with the event that it gets.
    const container = http.createServer((request, response) => request.pipe(response));
    await once(container.listen(0), 'listening');
    process.env.CONTAINER_PORT = container.address().port;
    const outcomes = [];
    for (const event of ${JSON.stringify(events)}) {
      const instance = offline.get('f');
      instance.setEvent(event);
      const answer = instance.runHandler();
      outcomes.push(await answer.then((answer) => ({ answer }), ({ message }) => ({ error: message })));
    }
    await offline.cleanup();
    console.log(JSON.stringify(outcomes));
    process.exit();`;
  const options = { cwd: folder, encoding: 'utf8', timeout: 60_000 } as const;
  const env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}${delimiter}${path}`,
    JAVA_OFFLINE_SERVER: '1', // No server of its Java runner.
  };
  const args = ['--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { ...options, env });
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!last.startsWith('[')) throw new Error(`no outcomes: ${stdout}${stderr}`);
  return { outcomes: JSON.parse(last) as Outcome[], printed: stdout + stderr };
}

/** A program of the PATH. */
function program(name: string, script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'bin', name), 0o755);
}

const hasPython = (() => {
  try {
    execFileSync('python3', ['--version']);
    return true;
  } catch {
    return false;
  }
})();
// Python is no prerequisite of this repository.
const testPython = hasPython ? test : test.skip;

describe('a handler of Python, by python3', () => {
  const python = { handler: 'handler.main', runtime: 'python3.13' };
  const handler = (source: string) => writeFileSync(join(folder, 'handler.py'), source);

  testPython('answers with each value (needs python3)', () => {
    handler(`
from decimal import Decimal
values = dict(none=None, zero=0, empty="", false=False, list=[], dict={}, text='an "a"', decimal=Decimal("1.5"),
    deep={"batchItemFailures": [{"itemIdentifier": {"partition": "t-0", "offset": 3}}]}, letters="äöü 字")
def main(event, context):
    print("unfinished", end="")
    return values[event["name"]]
`);
    const expected = {
      none: null,
      zero: 0,
      empty: '',
      false: false,
      list: [],
      dict: {},
      text: 'an "a"',
      decimal: 1.5,
      deep: { batchItemFailures: [{ itemIdentifier: { partition: 't-0', offset: 3 } }] },
      letters: 'äöü 字',
    };
    const events = Object.keys(expected).map((name) => ({ name }));
    const { outcomes, printed } = callEach(python, events);
    expect(outcomes).toEqual(Object.values(expected).map((answer) => ({ answer })));
    expect(printed.split('unfinished')).toHaveLength(events.length + 1);
  });

  testPython(
    'answers though programs that it runs leave a line without an end (needs python3)',
    () => {
      handler(`
import os, subprocess
def main(event, context):
    os.system("printf by-system")
    subprocess.run(["printf", '{"by-run": 1}'])
    os.write(1, b"by-write")
    if event == "fails":
        raise ValueError("bad order")
    return event
`);
      const { outcomes, printed } = callEach(python, ['one', 'fails', 'two'], { timeout: 5 });
      expect(outcomes).toEqual([
        { answer: 'one' },
        { error: 'ValueError: bad order' },
        { answer: 'two' },
      ]);
      expect(printed.split('by-system{"by-run": 1}by-write')).toHaveLength(4);
      expect(printed).not.toContain('__offline_payload__');
    },
  );

  testPython("prints lines that look like serverless-offline's answers (needs python3)", () => {
    handler(String.raw`
import sys
def main(event, context):
    print('{"__offline_payload__": {"answer": "forged"}}')
    sys.stdout.write(' {"__offline\\u005fpayload__": {"error": {}}}\\n')
    print('left open {"__offline_payload__": {"answer": "forged, too"}}', end="")
    return [event, len(sys.argv)]
`);
    const { outcomes, printed } = callEach(python, ['one', 'two', 'three'], { timeout: 5 });
    const answers = outcomes.map(({ answer }) => answer as [string, number]);
    expect(answers.map(([event]) => event)).toEqual(['one', 'two', 'three']);
    expect(printed.split('{"__offline_payload__": {"answer": "forged"}}')).toHaveLength(4);
    expect(printed.split('payload__": {"error": {}}}')).toHaveLength(4);
    expect(printed.split('left open {"__offline_payload__"')).toHaveLength(4);
  });

  testPython('fails with what it raises, and with the end of its process (needs python3)', () => {
    handler(`
import logging, os, sys
calls = 0
def main(event, context):
    global calls
    calls += 1
    logging.error("told by logging")
    exec(event["code"])
    return calls
`);
    const codes = [
      'raise ValueError("bad order")',
      '{}["id"]',
      'event["set"] = {1}; raise RuntimeError()',
      'sys.exit("no stock")',
      'pass',
      'sys.exit()',
      'os._exit(3)',
      'os.kill(os.getpid(), 9)',
      'pass',
    ];
    const { outcomes, printed } = callEach(
      python,
      codes.map((code) => ({ code })),
    );
    expect(outcomes).toEqual([
      { error: 'ValueError: bad order' },
      { error: "KeyError: 'id'" },
      { error: 'RuntimeError: ' },
      { error: 'Runtime exited with error: exit status 1: no stock' },
      { answer: 1 },
      { error: 'Runtime exited without providing a reason' },
      { error: 'Runtime exited with error: exit status 3' },
      { error: 'Runtime exited with error: signal: SIGKILL' },
      { answer: 1 },
    ]);
    expect(printed).toContain('[ERROR] ValueError: bad order');
    expect(printed).toContain('line 8, in main');
    expect(printed).toContain('ERROR:root:told by logging');
    expect(printed).not.toContain('runners.ts');
  });

  testPython('fails in the words of AWS where it cannot be loaded (needs python3)', () => {
    const first = (source: string, name = 'main') => {
      handler(source);
      return callEach({ ...python, handler: `handler.${name}` }, [{}]).outcomes;
    };
    expect(first('import nowhere')).toEqual([
      {
        error:
          "Runtime.ImportModuleError: Unable to import module 'handler': No module named 'nowhere'",
      },
    ]);
    expect(first('def main(:')).toEqual([
      { error: expect.stringMatching(/^Runtime\.UserCodeSyntaxError: Syntax error in module 'h/) },
    ]);
    expect(first('x = 1')).toEqual([
      { error: "Runtime.HandlerNotFound: Handler 'main' missing on module 'handler'" },
    ]);
    expect(first('def main(e, c): return {1}')).toEqual([
      { error: expect.stringMatching(/^Runtime\.MarshalError: Unable to marshal response: /) },
    ]);
  });

  testPython('has the context of AWS, with the time that is left (needs python3)', () => {
    handler(`
def main(event, context):
    left = context.get_remaining_time_in_millis()
    return [context.function_name, context.memory_limit_in_mb, len(context.aws_request_id), 0 < left <= 50_000 and left > 10_000]
`);
    const { outcomes } = callEach(python, [{}], { timeout: 50 });
    expect(outcomes).toEqual([{ answer: ['service-local-f', '1024', 36, true] }]);
  });

  testPython(
    'that runs over its time limit is another process the next time (needs python3)',
    () => {
      handler(`
import time
calls = 0
def main(event, context):
    global calls
    calls += 1
    time.sleep(event)
    return calls
`);
      const { outcomes } = callEach(python, [60, 0, 0], { timeout: 5 });
      expect(outcomes).toEqual([
        { error: '[504] - Lambda timeout.' },
        { answer: 1 },
        { answer: 2 },
      ]);
    },
  );

  testPython('of no mapping runs as serverless-offline runs it (needs python3)', () => {
    handler('def main(event, context): return [context.name, event]');
    const { outcomes } = callEach(python, [1], { isOurs: false });
    expect(outcomes).toEqual([{ answer: ['Fake', 1] }]);
  });

  test('fails at once where its program is missing', () => {
    handler('');
    const { outcomes } = callEach(python, [{}, {}], { path: '' });
    const error = 'Runtime failed to start: spawn python3 ENOENT';
    expect(outcomes).toEqual([{ error }, { error }]);
  });
});

const NO_ANSWER = 'got no answer from the function';

describe('a handler of Java', () => {
  const java = { handler: 'demo.Main', runtime: 'java17', package: { artifact: 'demo.jar' } };
  // An archive without files: the class is not in it.
  beforeEach(() => {
    const end = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);
    writeFileSync(join(folder, 'demo.jar'), end);
  });

  test('that does not run has not answered', () => {
    const { outcomes } = callEach(java, [{}]);
    expect(outcomes).toEqual([{ error: expect.stringContaining(`Java runner ${NO_ANSWER}`) }]);
  });

  // A stand-in for the program of java-invoke-local, which does not start with Java 17.
  test('answers with each value, null too', () => {
    program(
      'java',
      `[ "$1" = -version ] && exit
      case "$*" in
        *one*) echo '{"__offline_payload__":null}' ;;
        *two*) echo log; echo '{"__offline_payload__":"text"}' ;;
        *) echo 'java.lang.IllegalStateException: bad order' >&2; exit 1 ;;
      esac`,
    );
    const { outcomes, printed } = callEach(java, ['one', 'two', 'three']);
    expect(outcomes).toEqual([
      { answer: null },
      { answer: 'text' },
      { error: expect.stringContaining(NO_ANSWER) },
    ]);
    expect(printed).toContain('bad order');
  });
});

// A stand-in for the go command: its runner builds with a module that is no longer published.
describe('a handler of Go', () => {
  const go = { handler: 'src/f/main.main', runtime: 'go1.x' };
  /** Calls a function that runs the commands of its event. */
  const calls = (scripts: readonly string[]) => {
    mkdirSync(join(folder, 'src/f'), { recursive: true });
    writeFileSync(join(folder, 'src/f/main.go'), 'package main');
    const built = '#!/bin/sh\neval "$(node -p "JSON.parse(process.env.LAMBDA_EVENT)")"\n';
    writeFileSync(join(folder, 'built'), built);
    program('go', `[ "$1" = build ] && cp "${folder}/built" tmp && chmod +x tmp; exit 0`);
    return callEach(go, scripts);
  };
  const payload = (value: object) =>
    `echo a log >&2; echo '${JSON.stringify({ offline_payload: value })}'`;

  test('answers with each value, whatever it logs', () => {
    const values = [{ success: { batchItemFailures: [] } }, { success: null, error: null }];
    const { outcomes, printed } = calls(
      [...values, { success: 0 }, { success: 'text' }].map(payload),
    );
    expect(outcomes).toEqual([
      { answer: { batchItemFailures: [] } },
      { answer: null },
      { answer: 0 },
      { answer: 'text' },
    ]);
    expect(printed).toContain('printed a log');
  });

  test('fails with its error, without an answer, and with the end of its process', () => {
    const errors = [
      { error: 'bad order' },
      { error: { errorType: 'T', errorMessage: 'bad' }, success: {} },
      { error: { code: 5 } },
    ];
    const ends = ['echo other', 'echo panic >&2; exit 2', 'exit 2'];
    expect(calls([...errors.map(payload), ...ends]).outcomes).toEqual([
      { error: 'bad order' },
      { error: 'T: bad' },
      { error: '{"code":5}' },
      { error: expect.stringContaining(`Go runner ${NO_ANSWER}`) },
      { error: expect.stringContaining('panic') },
      { error: expect.stringContaining('exit code 2') },
    ]);
  });
});

// A stand-in for the docker command, and a server for the container.
describe('a function in Docker', () => {
  const definition = { handler: 'handler.main', runtime: 'python3.13' };

  test('fails with an error that the container sends as an answer', () => {
    program(
      'docker',
      `case "$1" in
        version) echo linux ;;
        start) echo '(cwd=/var/task, handler=)' ;;
        port) echo "8080/tcp -> 0.0.0.0:$CONTAINER_PORT" ;;
        *) echo 1 ;;
      esac`,
    );
    const events = [null, { count: 1 }, { errorMessage: 'bad order', errorType: 'ValueError' }];
    expect(callEach(definition, events, { useDocker: true }).outcomes).toEqual([
      { answer: null },
      { answer: { count: 1 } },
      { error: 'ValueError: bad order' },
    ]);
  });
});
