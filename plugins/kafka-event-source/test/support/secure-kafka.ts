import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jarFolder } from '../../broker/jars.ts';
import { kafkaAnswers, kafkaJars, settings } from '../../broker/kafka.ts';
import { freePorts } from '../../broker/ports.ts';
import { supervise, type Task, whileRunning } from '../../broker/supervise.ts';
import { until } from '../../broker/wait.ts';
import { createAuthority } from './certificate.ts';

/** The users of the SASL listener. */
export const USERS = {
  alice: 'alice-secret',
  /** May only authenticate. */
  mallory: 'mallory-secret',
  /** Has the characters that JSON, a shell or a configuration file must escape. */
  quentin: `"a" \\"b\\\\" 'c' = d`,
} as const;

/**
 * A broker of one node with a plaintext listener for the test itself, one for TLS with client
 * certificates, and one for SASL (PLAIN, SCRAM) over TLS. The authority issues its certificates.
 */
export async function startSecureKafka() {
  const directory = await mkdtemp(join(tmpdir(), 'secure-kafka-'));
  const supervisor = supervise(directory);
  supervisor.remove(directory);
  const authority = createAuthority('test authority');
  const [plaintext = 0, mtls = 0, sasl = 0, controller = 0] = await freePorts(4);
  const ports = { plaintext, mtls, sasl, controller };
  const file = join(directory, 'server.properties');
  mkdirSync(join(directory, 'logs'), { recursive: true });
  writeFileSync(file, properties(join(directory, 'data'), ports, authority));
  const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(kafkaJars), '*')];
  const scram = Object.entries(USERS).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      // The tool does not unescape the text between the outer quotes.
      `${mechanism}=[name="${name}",password="${password}"]`,
    ]),
  );
  const brokers = `localhost:${plaintext}`;
  try {
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk'];
    await promisify(execFile)('java', [...java, ...format, '-c', file, ...scram], {
      timeout: 60_000,
    });
    const task: Task = {
      name: 'secure-kafka',
      command: 'java',
      args: [...java, '-Dlog4j2.level=INFO', 'kafka.Kafka', file],
      log: join(directory, 'logs/kafka.log'),
    };
    await whileRunning(task, supervisor.run(task), (gone) =>
      until('the secure broker', 60_000, () => kafkaAnswers(brokers), gone),
    );
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
  return {
    brokers,
    mtls: [`localhost:${mtls}`],
    sasl: [`localhost:${sasl}`],
    authority,
    stop: supervisor.stop,
  };
}

type Ports = Record<'plaintext' | 'mtls' | 'sasl' | 'controller', number>;

function properties(data: string, ports: Ports, authority: ReturnType<typeof createAuthority>) {
  const server = authority.issue('broker');
  const names = { plaintext: 'PLAINTEXT', mtls: 'MTLS', sasl: 'SASL', controller: 'CONTROLLER' };
  const listeners = Object.entries(names).map(
    ([key, name]) => `${name}://localhost:${ports[key as keyof Ports]}`,
  );
  const login = 'org.apache.kafka.common.security';
  const scram = `${login}.scram.ScramLoginModule required;`;
  const users = Object.entries(USERS)
    .map(([name, password]) => `user_${name}="${escaped(password)}"`)
    .join(' ');
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@localhost:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: listeners.join(','),
    'advertised.listeners': listeners.slice(0, 3).join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,MTLS:SSL,SASL:SASL_SSL',
    'log.dirs': data,
    ...settings,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.certificate.chain': server.certificate,
    'ssl.keystore.key': server.privateKey,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.certificates': authority.certificate,
    'listener.name.mtls.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required ${users};`,
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:alice;User:quentin;User:CN=client',
  })
    .map(([key, value]) => `${key}=${quoted(String(value))}\n`)
    .join('');
}

const quoted = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replace(/^ /, '\\ ');

/** Inside double quotes, as the broker's JAAS settings take them. */
const escaped = (text: string) => text.replaceAll(/["\\]/g, '\\$&');
