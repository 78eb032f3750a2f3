import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';

/**
 * A fault at one exact step of a process: at the `at`th time that it writes to, or hears from, a
 * service. Between them, the steps are every point before and after every request.
 */
export type Fault<Service extends string = 'kafka' | 'dynamodb'> = {
  service: Service;
  /** `write`: before the bytes leave; `written`: after; `heard`: before the process sees the answer. */
  step: 'write' | 'written' | 'heard';
  at: number;
  /**
   * `kill`: the process ends as by kill -9. `cut`: the connection breaks. `hang`: it goes silent.
   * `freeze`: the whole process stands still, as a function does between two requests, and goes on.
   * `halt`: the process reports on {@link FROZEN_FD}, and stands still until somebody wakes it.
   */
  action: 'kill' | 'cut' | 'hang' | 'freeze' | 'halt';
};

/** Longer than a caller of the API, and a request to DynamoDB, may wait. */
const FROZEN_SECONDS = 1.5;

/** The pipe on which a process tells its parent that it is about to stand still. */
export const FROZEN_FD = 4;

type Write = typeof Socket.prototype.write;
type Push = typeof Socket.prototype.push;

/** Plants the fault into this process. It strikes once. */
export function plant<Service extends string>(
  fault: Fault<Service>,
  ports: Record<Service, number>,
): void {
  const { write, push } = Socket.prototype;
  const silent = new WeakSet<Socket>();
  let left = fault.at;

  const isDue = (socket: Socket, step: Fault<Service>['step']) => {
    if (step !== fault.step || socket.remotePort !== ports[fault.service]) return false;
    left -= 1;
    return left === 0;
  };
  const strike = (socket: Socket) => {
    if (fault.action === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault.action === 'halt') {
      writeSync(FROZEN_FD, 'frozen');
      process.kill(process.pid, 'SIGSTOP');
    }
    // With Node's code for it, because clients repeat only after some codes.
    if (fault.action === 'cut') {
      socket.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    }
    if (fault.action === 'hang') silent.add(socket);
    if (fault.action === 'freeze') freeze();
  };

  Socket.prototype.write = function faultyWrite(this: Socket, ...args: Parameters<Write>) {
    if (isDue(this, 'write')) strike(this);
    if (silent.has(this)) return true;
    const answer = Reflect.apply(write, this, args);
    // The bytes are with the kernel before this returns, as long as its buffer has room.
    if (isDue(this, 'written')) strike(this);
    return answer;
  } as Write;
  Socket.prototype.push = function faultyPush(this: Socket, ...args: Parameters<Push>) {
    if (args[0] !== null && isDue(this, 'heard')) strike(this);
    return silent.has(this) ? true : Reflect.apply(push, this, args);
  } as Push;
}

/** Another process wakes this one up. */
function freeze(): void {
  const wake = `sleep ${FROZEN_SECONDS}; kill -CONT ${process.pid}`;
  spawn('sh', ['-c', wake], { stdio: 'ignore', detached: true }).unref();
  process.kill(process.pid, 'SIGSTOP');
}
