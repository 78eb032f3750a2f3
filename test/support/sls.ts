import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import { ROOT } from './root.ts';
import { until } from './until.ts';

const SLS = join(ROOT, 'node_modules/.bin/sls');
const NODE = join(ROOT, 'node_modules/.bin');

type Environment = Record<string, string | undefined>;

/** The environment of a person's terminal: with Node 24, without the variables of jest and other tests. */
export function plainEnvironment(own: Environment = {}): Environment {
  const { PATH, HOME, LANG, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  return {
    PATH: `${NODE}:${PATH}`,
    HOME,
    LANG,
    TMPDIR,
    SLS_TELEMETRY_DISABLED: '1',
    NODE_COMPILE_CACHE,
    ...own,
  };
}

/** Runs an sls command to its end. */
export function sls(args: string[], env: Environment = {}, cwd = ROOT) {
  const run = () => runSls(args, env, cwd);
  return args[0] === 'package' ? inTurn(run) : run();
}

async function runSls(args: string[], env: Environment, cwd: string) {
  const child = spawn(SLS, args, {
    cwd,
    env: plainEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000, // Only against a command that hangs.
  });
  const output = outputOf(child);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout: output.stdout(), stderr: output.stderr() };
}

/** Holds the id of the process whose turn it is to package. */
const TURN = join(ROOT, '.local/packaging');

/**
 * `sls package` works in .serverless/, whatever `--package` says, and empties it first: of the test files
 * that run at once only one may package.
 */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(TURN), { recursive: true });
  await until('the turn to package', async () => (await takeTurn()) || undefined, 300_000);
  try {
    return await work();
  } finally {
    await rm(TURN, { force: true });
  }
}

async function takeTurn(): Promise<boolean> {
  try {
    await writeFile(TURN, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (Object(error).code !== 'EEXIST') throw error; // jest's Error is another class
    const holder = Number(await readFile(TURN, 'utf8').catch(() => ''));
    if (holder > 0 && !isRunning(holder)) await rm(TURN, { force: true }); // it was killed
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** `sls offline start` in a process group of its own, on free ports, with Node as `npm start` has it. */
export async function startOffline(env: Environment = {}, cwd = ROOT, args: string[] = []) {
  const [httpPort, lambdaPort] = await freePorts(2);
  const child = spawn(
    SLS,
    ['offline', 'start', '--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`, ...args],
    {
      cwd,
      env: plainEnvironment({
        NODE_OPTIONS: '--max-http-header-size=65536',
        EMULATOR_PORT: '0',
        ...env,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    },
  );
  const output = outputOf(child);
  let ended = false;
  child.on('close', () => {
    ended = true;
  });
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    if (child.pid && !ended) process.kill(-child.pid, signal);
    await until('sls offline to end', () => (ended ? true : undefined), 30_000);
  };
  try {
    await until(
      'sls offline to be ready',
      () => {
        if (ended) throw new Error('sls offline ended');
        return output.stdout().includes('Server ready') || output.stderr().includes('Server ready')
          ? true
          : undefined;
      },
      60_000,
    );
  } catch (error) {
    if (!ended) await stop('SIGKILL');
    throw new Error(`${error}\n${output.stdout()}\n${output.stderr()}`);
  }
  return {
    url: `http://localhost:${httpPort}`,
    lambdaUrl: `http://localhost:${lambdaPort}`,
    pid: child.pid,
    /** Everything printed so far, on both streams. */
    printed: () => output.stdout() + output.stderr(),
    stop,
  };
}

function outputOf(child: ChildProcess) {
  const texts = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      texts[stream] += text;
    });
  }
  return { stdout: () => texts.stdout, stderr: () => texts.stderr };
}
