/** Asks whether this machine has the tools that the broker needs. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { hasJars, type Jars } from './jars.ts';
import { startable } from './system.ts';

/** The fault of each tool; empty for a tool that can be used. */
export interface ToolFaults {
  readonly java: string;
  readonly maven: string;
}

/** Asks for Java 17 or newer and, unless all jars have been fetched, for Maven. */
export async function findTools(jars: readonly Jars[]): Promise<ToolFaults> {
  const [java, maven] = await Promise.all([
    answerOf('java', ['-version']).then(javaFault, () => 'java does not answer'),
    hasJars(jars) ? '' : faultOf('mvn', ['-version'], 'mvn does not answer'),
  ]);
  return { java, maven };
}

/** Empty if the command ends well, else the given fault. */
export function faultOf(command: string, args: string[], fault: string): Promise<string> {
  return answerOf(command, args).then(
    () => '',
    () => fault,
  );
}

/** Empty if a Docker engine answers. */
export function findEngine(): Promise<string> {
  return answerOf('docker', ['info']).then(
    () => '',
    ({ code, stderr = '' }: NodeJS.ErrnoException & { stderr?: string }) => {
      if (code === 'ENOENT') return 'docker is not installed';
      const [why] = stderr.split('\n').filter((line) => /connect|denied/i.test(line));
      return `no Docker engine answers${why ? ` (${why.trim()})` : ''}`;
    },
  );
}

/** Java before 9 calls itself 1.8. */
export function javaFault(output: string): string {
  const version = /version "([\d.]+)/.exec(output)?.[1] ?? 'unknown';
  return Number.parseInt(version, 10) >= 17 ? '' : `java is version ${version}, 17 is needed`;
}

async function answerOf(command: string, args: string[]): Promise<string> {
  const { command: file, args: own, shell } = startable(command, args);
  const { stdout, stderr } = await promisify(execFile)(file, own, { shell, timeout: 15_000 });
  return stdout + stderr;
}
