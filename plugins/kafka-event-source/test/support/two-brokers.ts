import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jarFolder } from '../../broker/jars.ts';
import { kafkaAnswers, kafkaJars, settings, withAdmin } from '../../broker/kafka.ts';
import { freePorts } from '../../broker/ports.ts';
import { supervise, type Task, whileRunning } from '../../broker/supervise.ts';
import { until } from '../../broker/wait.ts';

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qk';

/** A cluster of two brokers without replicas; the first one has all groups, and is the controller. */
export async function startTwoBrokers(more: Readonly<Record<string, string | number>> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'two-brokers-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  mkdirSync(join(directory, 'logs'), { recursive: true });
  const [first = 0, second = 0, controller = 0] = await freePorts(3);
  const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(kafkaJars), '*')];
  const task = async (id: 1 | 2, port: number): Promise<Task> => {
    const file = join(directory, `${id}.properties`);
    writeFileSync(file, properties(join(directory, `data-${id}`), id, port, controller, more));
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file];
    await promisify(execFile)('java', [...java, ...format], { timeout: 60_000 });
    const args = [...java, '-Dlog4j2.level=INFO', 'kafka.Kafka', file];
    return { name: `kafka-${id}`, command: 'java', args, log: join(directory, `logs/${id}.log`) };
  };
  const start = async (one: Task, port: number) => {
    const child = supervisor.run(one);
    const answers = () => kafkaAnswers(`localhost:${port}`);
    await whileRunning(one, child, (gone) => until(one.name, 60_000, answers, gone));
    return child;
  };
  try {
    const [one, two] = [await task(1, first), await task(2, second)];
    const brokers = [`localhost:${first}`];
    await start(one, first);
    // The topic of the groups is made with the first question, while there is one broker only.
    await until('the coordinator', 60_000, () =>
      withAdmin(brokers.join(), async (admin) => {
        await admin.listTopics(); // Else it knows no broker to ask.
        await admin.fetchOffsets({ groupId: 'first' });
        return true as const;
      }),
    );
    let child = await start(two, second);
    return {
      brokers,
      async killSecond() {
        process.kill((await child.pid) ?? 0, 'SIGKILL');
        await child.ended;
      },
      async startSecond() {
        child = await start(two, second);
      },
      stop: supervisor.stop,
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

function properties(
  data: string,
  id: number,
  port: number,
  controller: number,
  more: Readonly<Record<string, string | number>>,
): string {
  const isFirst = id === 1;
  const listener = `PLAINTEXT://localhost:${port}`;
  return Object.entries({
    ...settings,
    'offsets.topic.num.partitions': 1,
    'process.roles': isFirst ? 'broker,controller' : 'broker',
    'node.id': id,
    'controller.quorum.voters': `1@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: isFirst ? `${listener},CONTROLLER://localhost:${controller}` : listener,
    'advertised.listeners': listener,
    'log.dirs': data,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    ...more,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
