import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { freePorts } from '../../broker/ports.ts';
import { MODULES } from './root.ts';
import { until } from './until.ts';

const SLS = join(MODULES, '.bin/sls');

type Environment = Record<string, string | undefined>;

/** The environment of a terminal: with this Node, and without the variables of Jest and other tests. */
export function plainEnvironment(own: Environment = {}): Environment {
  const { PATH, HOME, LANG, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  return {
    PATH: `${dirname(process.execPath)}:${PATH}`,
    HOME,
    LANG,
    TMPDIR,
    SLS_TELEMETRY_DISABLED: '1',
    NODE_COMPILE_CACHE,
    ...own,
  };
}

/** Runs an sls command to its end. */
export async function sls(args: string[], cwd: string, env: Environment = {}) {
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

/** `sls offline start` in a process group of its own, on free ports; by default with this repository's framework. */
export async function startOffline(cwd: string, env: Environment = {}, command = SLS) {
  const [httpPort, lambdaPort] = await freePorts(2);
  const child = spawn(
    command,
    ['offline', 'start', '--httpPort', `${httpPort}`, '--lambdaPort', `${lambdaPort}`],
    {
      cwd,
      env: plainEnvironment(env),
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
