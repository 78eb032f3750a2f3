/** Processes on each system: Windows starts and ends them in its own way. */
import { execFileSync } from 'node:child_process';

/** The parts of the system that differ on Windows, which has neither process groups nor signals. */
interface System {
  readonly platform: NodeJS.Platform;
  kill(pid: number, signal: NodeJS.Signals | 0): boolean;
  run(command: string, args: string[]): void;
}

const SYSTEM: System = {
  platform: process.platform,
  kill: (pid, signal) => process.kill(pid, signal),
  run: (command, args) => {
    execFileSync(command, args, { stdio: 'ignore', windowsHide: true, timeout: 5000 });
  },
};

/**
 * Sends a signal to a group, or with 0 asks for it. On Windows each signal ends the process with its children.
 *
 * @returns false when no process is left
 */
export function signalGroup(
  pid: number,
  signal: NodeJS.Signals | 0,
  { platform, kill, run }: System = SYSTEM,
): boolean {
  try {
    if (platform !== 'win32') return kill(-pid, signal);
    if (signal === 0) return kill(pid, 0);
    run('taskkill', ['/PID', String(pid), '/T', '/F']);
    return true;
  } catch {
    return false;
  }
}

/** The command that ends a process, for messages. */
export function endCommand(pid: number, platform: NodeJS.Platform = process.platform): string {
  return platform === 'win32' ? `taskkill /PID ${pid} /F` : `kill ${pid}`;
}

/** Tools that are scripts on Windows, such as mvn.cmd. */
const SCRIPTS: readonly string[] = ['mvn'];

/** A tool in the form in which this system starts it: on Windows only a shell starts a script. */
export function startable(
  command: string,
  args: string[],
  platform: NodeJS.Platform = process.platform,
): { command: string; args: string[]; shell: boolean } {
  if (platform !== 'win32' || !SCRIPTS.includes(command)) return { command, args, shell: false };
  return { command: [command, ...args.map((arg) => `"${arg}"`)].join(' '), args: [], shell: true };
}
