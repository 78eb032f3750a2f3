import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jarFolder } from '../../plugins/kafka-event-source/broker/jars.ts';
import { kafkaJars, settings, withAdmin } from '../../plugins/kafka-event-source/broker/kafka.ts';
import { freePorts } from '../../plugins/kafka-event-source/broker/ports.ts';
import {
  type Child,
  supervise,
  type Task,
} from '../../plugins/kafka-event-source/broker/supervise.ts';
import { createLedTopics } from '../../plugins/kafka-event-source/topics.ts';
import { until } from './until.ts';

const LIMIT_MS = 60_000;
const JAVA = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(kafkaJars), '*')];

/** A cluster of two brokers, the second of which can be killed and started again. */
export async function startKafkaPair() {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-pair-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  mkdirSync(join(directory, 'logs'));
  const [first = 0, second = 0, controller = 0] = await freePorts(3);
  const brokers = `localhost:${first}`;
  const prepare = async (node: 1 | 2, port: number): Promise<Task> => {
    const file = join(directory, `${node}.properties`);
    writeFileSync(file, properties(node, join(directory, `data-${node}`), port, controller));
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk'];
    await promisify(execFile)('java', [...JAVA, ...format, '-c', file], { timeout: LIMIT_MS });
    const args = [...JAVA, '-Dlog4j2.level=INFO', 'kafka.Kafka', file];
    return {
      name: `kafka-${node}`,
      command: 'java',
      args,
      log: join(directory, `logs/${node}.log`),
    };
  };
  const count = (wanted: number) =>
    until(
      `${wanted} brokers`,
      () =>
        withAdmin(brokers, async (admin) =>
          (await admin.describeCluster()).brokers.length === wanted ? true : undefined,
        ).catch(() => undefined),
      LIMIT_MS,
    );
  let child: Child | undefined;
  try {
    const [one, two] = await Promise.all([prepare(1, first), prepare(2, second)]);
    supervisor.run(one);
    const startSecond = async () => {
      child = supervisor.run(two);
      await count(2);
    };
    await startSecond();
    return {
      brokers: [brokers],
      stop: supervisor.stop,
      /** Makes a topic with each partition on one broker: `nodes` names it for each partition. */
      createTopic: (topic: string, nodes: (1 | 2)[]) =>
        withAdmin(brokers, (admin) => {
          const replicaAssignment = nodes.map((node, partition) => ({
            partition,
            replicas: [node],
          }));
          return createLedTopics(admin, [{ topic, replicaAssignment }]);
        }),
      async killSecond() {
        const pid = await child?.pid;
        if (!pid) throw new Error('the second broker does not run');
        process.kill(pid, 'SIGKILL');
        await count(1);
      },
      startSecond,
    };
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}

function properties(node: 1 | 2, data: string, port: number, controller: number): string {
  const isController = node === 1;
  const own = `PLAINTEXT://localhost:${port}`;
  return Object.entries({
    'process.roles': isController ? 'broker,controller' : 'broker',
    'node.id': node,
    'controller.quorum.voters': `1@localhost:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: isController ? `${own},CONTROLLER://localhost:${controller}` : own,
    'advertised.listeners': own,
    'log.dirs': data,
    ...settings,
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}
