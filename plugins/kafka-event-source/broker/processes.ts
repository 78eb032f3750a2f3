import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export type Process = { pid: number; parent: number; command: string };

const linux = process.platform === 'linux';

/** All processes that this user can see: from /proc on Linux (small images have no ps), else from ps. */
export function processes(): Process[] {
  if (linux) return pids().flatMap((pid) => processOf(pid) ?? []);
  return list('-A');
}

/** One process, or undefined when it is gone. */
export function processOf(pid: number): Process | undefined {
  if (!linux) return list('-p', String(pid))[0];
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const [state, parent] = fieldsOf(pid);
    return state === 'Z' ? undefined : { pid, parent: Number(parent), command };
  } catch {
    return undefined; // It ended between the listing and the reading.
  }
}

/** Whether a process of this id runs, on each system. */
function isAlive(pid: number): boolean {
  return pid > 0 && attempt(() => process.kill(pid, 0)) === true;
}

/**
 * The time at which a process started, in the system's own words: with its id it names one process only.
 * Empty if it has ended, and on Windows.
 */
export function startOf(pid: number): string {
  if (linux) return attempt(() => fieldsOf(pid))?.[19] ?? '';
  // Terminals of other languages and time zones must read the same.
  return ask('env', ['LC_ALL=C', 'TZ=UTC', 'ps', '-p', String(pid), '-o', 'lstart=']).trim();
}

/** Whether the process that had this id and this start runs. Without a start, the id alone decides. */
export function isRunning(pid: number, start: string): boolean {
  // Another program may have the id of a process that was killed.
  return start === '' ? isAlive(pid) : startOf(pid) === start;
}

/** The process that listens on the port; undefined if none does, or one of another user. */
export function listener(port: number): Process | undefined {
  if (!linux) {
    const pid = /^p(\d+)/m.exec(ask('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fp']))?.[1];
    return pid === undefined ? undefined : processOf(Number(pid));
  }
  const sockets = new Set(listeningInodes(port).map((inode) => `socket:[${inode}]`));
  const pid = sockets.size > 0 && pids().find((pid) => links(pid).some((l) => sockets.has(l)));
  return pid ? processOf(pid) : undefined;
}

function list(...which: string[]): Process[] {
  return ask('ps', [...which, '-o', 'pid=,ppid=,command='])
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : { pid: Number(pid), parent: Number(parent), command };
    });
}

/** The fields of /proc/<pid>/stat from the state on. @throws Error if the process has ended */
function fieldsOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may contain blanks and brackets: the fields start after the last bracket.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function listeningInodes(port: number): string[] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => {
    const rows = attempt(() => readFileSync(table, 'utf8')) ?? '';
    return rows.split('\n').flatMap((row) => {
      const columns = row.trim().split(/\s+/);
      // Column 3 is the state, 0A is LISTEN; column 9 the inode.
      return columns[1]?.endsWith(local) && columns[3] === '0A' ? (columns[9] ?? []) : [];
    });
  });
}

function links(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  const names = attempt(() => readdirSync(folder)) ?? [];
  return names.flatMap((name) => attempt(() => readlinkSync(`${folder}/${name}`)) ?? []);
}

function ask(command: string, args: string[]): string {
  return attempt(() => execFileSync(command, args, { encoding: 'utf8', timeout: 5000 })) ?? '';
}

/** Undefined if the process has ended, belongs to another user, or a tool is missing. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
