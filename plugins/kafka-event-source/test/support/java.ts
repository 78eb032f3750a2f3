import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { jarFolder } from '../../broker/jars.ts';
import { kafkaJars } from '../../broker/kafka.ts';

const LIMIT_MS = 120_000;

/** Runs one of Kafka's own command line tools, which use the Java client, to its end. */
export async function kafkaTool(
  tool: string,
  args: readonly string[],
  input = '',
): Promise<{ output: string }> {
  const java = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', join(jarFolder(kafkaJars), '*')];
  const main = `org.apache.kafka.tools.${tool}`;
  const child = execFile('java', [...java, main, ...args], {
    timeout: LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (text: string) => {
    output += text;
  });
  child.stderr?.on('data', (text: string) => {
    errors += text;
  });
  child.stdin?.end(input);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${tool} ended with ${code}: ${errors || output}`);
  return { output };
}

/** A record for the console producer, whose lines have headers, key and value; null is NULL. */
export interface JavaRecord {
  readonly headers?: readonly (readonly [key: string, value: string | null])[];
  readonly key?: string | null;
  readonly value: string | null;
}

export interface JavaOptions {
  readonly codec?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly properties?: Readonly<Record<string, string | number>>;
}

const NULL = 'NULL';

/** Sends records in their order with Java's console producer. */
export async function produceByJava(
  brokers: string,
  topic: string,
  records: readonly JavaRecord[],
  { codec = 'none', properties = {} }: JavaOptions = {},
): Promise<void> {
  const lines = records.map(({ headers = [], key = null, value }) => {
    // Without headers a line begins with the marker of a null.
    const written = headers.map(([name, text]) => `${name}:${text ?? NULL}`).join(',') || NULL;
    return `${written}\t${key ?? NULL}\t${value ?? NULL}\n`;
  });
  const reading = { 'parse.headers': true, 'parse.key': true, 'null.marker': NULL };
  const flag = (name: string, pairs: object) =>
    Object.entries(pairs).flatMap(([key, value]) => [name, `${key}=${value}`]);
  const args = ['--bootstrap-server', brokers, '--topic', topic, '--compression-codec', codec];
  await kafkaTool(
    'ConsoleProducer',
    [...args, ...flag('--property', reading), ...flag('--producer-property', properties)],
    lines.join(''),
  );
}
