import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readDefinitions } from '../definition.ts';
import { readOptions } from '../options.ts';
import { kafka, kafkaService } from '../test/support/kafka-service.ts';
import { useWords, words } from '../words.ts';
import { COMMAND_WORDS } from './words.ts';

const plugin = words();
beforeAll(() => useWords(COMMAND_WORDS));
afterAll(() => useWords(plugin));

test('messages of the command name a setting by its place in the file', () => {
  const read = () => readOptions({ parameters: 'Topic', mappings: { pay: { ssl: 'on' } } });
  expect(read).toThrow('parameters in kafka-event-source.yml: must be an object');
  expect(read).toThrow(
    'mappings.pay.ssl in kafka-event-source.yml: must be true or false or an object',
  );
});

test('the table of settings names the command line, too, because there may be no file', () => {
  const options = readOptions({ bootstrapServers: 'localhost:9092' });
  const [definition] = readDefinitions(kafkaService([{ kafka }]), options).definitions;
  expect(definition?.parity.find(({ difference }) => difference === 'local')?.why).toBe(
    'command line, kafka-event-source.yml',
  );
});

test('messages of the command name the file for an unknown setting', () => {
  const read = () => readOptions({ brokers: 'a:1' });
  expect(read).toThrow('kafka-event-source.yml: "brokers" is not known here');
  expect(read).toThrow(
    /There are: apiPort, bootstrapServers, broker, .*, functions, .*, template, /,
  );
});
