/**
 * An executable in the place of the docker command, which writes down its calls. Its container is a
 * process that passes connections on to the tests' Kafka.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Engine {
  /** Docker's message when no engine answers. */
  readonly away?: string;
  /** The output and the exit code of a container that ends at once. */
  readonly ends?: { readonly output: string; readonly code: number };
}

/** Writes the executable into the folder. @returns its PATH and its calls */
export function fakeDocker(folder: string, kafka: string, engine: Engine = {}) {
  const [bin, state] = [join(folder, 'bin'), join(folder, 'docker')];
  for (const one of [bin, state]) mkdirSync(one, { recursive: true });
  const script = [
    `#!${process.execPath}`,
    `const [state, kafka, engine] = ${JSON.stringify([state, kafka, engine])};`,
    `(${main})(state, kafka, engine);`,
  ].join('\n');
  writeFileSync(join(bin, 'docker'), script, { mode: 0o755 });
  const calls = () => readFileSync(join(state, 'calls'), 'utf8').trim().split('\n');
  return { PATH: bin, state, calls };
}

/** The text of this function is the executable: it needs nothing around it. */
function main(state: string, kafka: string, { away, ends }: Engine): void {
  const fs = process.getBuiltinModule('node:fs');
  const net = process.getBuiltinModule('node:net');
  const args = process.argv.slice(2);
  const text = args.join(' ');
  fs.appendFileSync(`${state}/calls`, `${text}\n`);
  const [container, image] = [`${state}/container`, `${state}/image`];
  const after = (option: string) => args[args.indexOf(option) + 1] ?? '';
  const end = (code: number, output = '') => {
    process.stderr.write(output);
    process.exitCode = code;
  };
  const runs = () => fs.existsSync(container);
  const known = () => JSON.parse(fs.readFileSync(container, 'utf8'));
  const pull = () => {
    process.stdout.write('a1: Pulling fs layer\nb2: Pulling fs layer\na1: Pull complete\n');
    setTimeout(() => {
      fs.writeFileSync(image, '');
      process.stdout.write('b2: Pull complete\n');
    }, 1_500);
  };
  const remove = () => {
    const { pid, host, port } = known();
    fs.rmSync(container);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Its process has ended.
    }
    // Like Docker, this command ends only when the container's port is free.
    const wait = () => {
      const socket = net.connect(Number(port), host);
      socket
        .on('error', () => undefined)
        .on('connect', () => {
          socket.destroy();
          setTimeout(wait, 10);
        });
    };
    wait();
  };
  const run = () => {
    const [, starter] = after('--label').split('=');
    const [host, port] = after('--publish').split(':');
    fs.writeFileSync(container, JSON.stringify({ starter, pid: process.pid, host, port }));
    const [toHost = '', toPort] = kafka.split(':');
    const server = net.createServer((socket) => {
      const other = net.connect(Number(toPort), toHost);
      for (const one of [socket, other]) one.on('error', () => undefined);
      socket.pipe(other).pipe(socket);
    });
    server.listen(Number(port), host);
    process.on('SIGTERM', () => {
      fs.rmSync(container, { force: true });
      process.exit(143);
    });
  };
  if (text === 'info') end(away === undefined ? 0 : 1, away);
  else if (text.startsWith('image inspect')) end(fs.existsSync(image) ? 0 : 1);
  else if (args[0] === 'pull') pull();
  else if (args[0] === 'run' && ends) end(ends.code, ends.output);
  else if (args[0] === 'run') runs() ? end(125, 'docker: Conflict. The name is in use.\n') : run();
  else if (!runs()) end(1, 'Error: No such container\n');
  else if (args[0] === 'rm') remove();
  else process.stdout.write(`true ${known().starter}\n`);
}
