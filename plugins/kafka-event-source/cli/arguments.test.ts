import { expect, test } from '@jest/globals';
import { NAMED } from '../commands/commands.ts';
import { pairsOf, readArguments, UsageError } from './arguments.ts';

test.each([
  [['nope'], 'No command "nope". There are: start, '],
  [
    ['record', 'nope'],
    'No command "record nope". There are: record export, record import, record replay.',
  ],
  [['record', '--json'], 'No command "record --json". There are: record export, '],
  [['--broker', 'start'], 'The command comes first. There are: start, '],
  [['start', '--foo'], "Unknown option '--foo'. See `lambda-kafka-event-source start --help`."],
  [['start', 'a.yaml'], "Unexpected argument 'a.yaml'. Name a template by --template a.yaml. See"],
  [['broker', '9093'], "Unexpected argument '9093'. See `lambda-kafka-event-source broker --help`"],
  [['start', '--broker', 'localhost:99999'], 'must be start, or host:port (port 1 to 65535)'],
  [['start', '--endpoint'], "Option '-e, --endpoint <value>' argument missing"],
  [['start', '--watch=yes'], "Option '-w, --watch' does not take an argument"],
  [['start', '--broker', 'localhost'], '--broker "localhost" must be start, or host:port'],
  [['start', '--broker', 'http://localhost:9092'], 'must be start, or host:port (port 1 to 65535)'],
  [['start', '--broker', '//localhost:9092'], 'must be start, or host:port (port 1 to 65535)'],
  [['start', '--broker', 'localhost:9092,'], 'must be start, or host:port (port 1 to 65535)'],
  [['status', '--broker', 'start'], '--broker "start" must be host:port'],
  [['status', '--endpoint', 'http://127.0.0.1:3001'], "Unknown option '--endpoint'"],
])('the arguments %j are refused', (args, message) => {
  const read = () => readArguments(args);
  expect(read).toThrow(UsageError);
  expect(read).toThrow(message);
});

test('the options of start are read, in their short form too', () => {
  const pairs = ['-f', 'notify=http://localhost:9000', '-f', 'bill=shop-bill'];
  expect(readArguments(['start', '-t', 'a.yaml', '--broker', 'a:1,[::1]:2', ...pairs])).toEqual({
    command: 'start',
    values: {
      template: 'a.yaml',
      broker: 'a:1,[::1]:2',
      function: ['notify=http://localhost:9000', 'bill=shop-bill'],
    },
  });
});

test('the other commands have the options of `sls kafka`', () => {
  expect(readArguments(['redrive', '--all', '-f', 'notify', '--from', 'letters'])).toMatchObject({
    command: 'redrive',
    values: { all: true, function: 'notify', from: 'letters' },
  });
});

test('--version tells the version of the package', () => {
  expect(readArguments(['--version'])).toEqual({ command: 'help', text: '0.1.0' });
});

test('a value may contain an equals sign', () => {
  expect(pairsOf('parameter', ['Topic=orders', 'Query=a=b', 'Empty='])).toEqual([
    ['Topic', 'orders'],
    ['Query', 'a=b'],
    ['Empty', ''],
  ]);
  expect(() => pairsOf('parameter', ['Topic'])).toThrow('--parameter "Topic" must be name=value.');
});

test.each([[[]], [['--help']], [['help']]])('%j lists the commands', (args) => {
  const { command, text } = readArguments(args) as { command: string; text: string };
  expect(command).toBe('help');
  for (const name of ['start', 'broker', ...Object.keys(NAMED)]) {
    expect(text).toMatch(new RegExp(`^  ${name} `, 'm'));
  }
});

test.each([[['record']], [['record', '--help']], [['record', '-h']]])(
  '%j lists the commands of that group alone',
  (args) => {
    const { command, text } = readArguments(args) as { command: string; text: string };
    expect(command).toBe('help');
    const named = [...text.matchAll(/^ {2}(\w+ \w+) {2}/gm)].map(([, name]) => name);
    expect(named).toEqual(['record export', 'record import', 'record replay']);
  },
);

test('the help of each command lists its options', () => {
  for (const [name, { options }] of Object.entries(NAMED)) {
    const { text } = readArguments([...name.split(' '), '--help']) as { text: string };
    for (const option of ['template', 'parameter', ...Object.keys(options)]) {
      expect(text).toContain(`--${option}`);
    }
  }
  const { text } = readArguments(['start', '-h']) as { text: string };
  for (const option of ['endpoint', 'broker', 'function', 'watch', 'strict', 'report']) {
    expect(text).toContain(`--${option}`);
  }
});
