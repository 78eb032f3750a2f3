import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startProgram } from '../support/program.ts';
import { PLUGIN } from '../support/root.ts';
import { sls } from '../support/sls.ts';
import { Bench, until } from './bench.ts';
import { sls as bin, createService } from './offline-service.ts';

const alarm = (MetricName: string, Value: object) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    Namespace: 'AWS/Lambda',
    MetricName,
    Dimensions: [{ Name: 'EventSourceMappingUUID', Value }],
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 0,
  },
});
const resources = {
  Dropped: alarm('DroppedEventCount', { Ref: 'PrintMapping' }),
  Unknown: alarm('DroppedEventCount', { Ref: 'Unknown' }),
};

test('status, alarms and generate-event work with a running service and without one', async () => {
  await using bench = new Bench();
  const directory = await createService(bench, [PLUGIN, 'serverless-offline'], 'print', {
    resources,
    provisionedPollers: { min: 1 },
    metricsConfig: { metrics: ['EventCount'] },
  });
  const run = (...args: string[]) => sls(['kafka', ...args], directory);
  const status = async () => JSON.parse((await run('status', '--json')).stdout).mappings[0];
  let offline: ReturnType<typeof startProgram> | undefined;
  try {
    const missing = await status();
    expect(missing).toMatchObject({ topic: bench.topic, state: 'Not running' });
    expect(missing.why.join('\n')).toMatch(/no `sls offline start`[\s\S]*there is no topic/);

    const early = await run('alarms');
    expect([early.code, early.stdout + early.stderr]).toEqual([
      1,
      expect.stringContaining('of this service runs here, so there are no metrics'),
    ]);

    await bench.createTopic(2);
    await bench.produce([
      { key: 'k', value: 'first', headers: { h: ['1', '2'] } },
      { key: 'k', value: 'second' },
    ]);
    offline = startProgram(process.execPath, [bin, 'offline', 'start'], { cwd: directory });
    const { output } = offline;
    await until('an answer', () => output().includes('received'), {
      withinMs: 40_000,
      seen: output,
    });
    await until('the commit', async () => {
      const sums = await Promise.all([0, 1].map((one) => bench.committed(one)));
      return Math.max(...sums) === 2;
    });
    const running = await status();
    expect(running).toMatchObject({ state: 'Enabled', lag: 0, counts: { succeeded: 2 } });
    expect(running.why).toEqual([expect.stringContaining('there is nothing new')]);
    expect((await run('status')).stdout).toMatch(
      /print \(kes-.*\): Enabled\n.*group kes-[\s\S]* \(0 of them lack fields\), 0 dropped$/m,
    );

    const { metrics } = running;
    const invoked = metrics.InvokedEventCount.map(({ sum }: { sum: number }) => sum);
    expect(invoked.reduce((one: number, other: number) => one + other)).toBe(2);
    expect(metrics).not.toHaveProperty('MaxOffsetLag');
    const { alarms } = JSON.parse((await run('alarms', '--json')).stdout);
    expect(alarms).toEqual([
      { alarm: 'Dropped', metric: 'DroppedEventCount', state: expect.any(String), rang: [] },
      { alarm: 'Unknown', notEvaluated: expect.stringContaining('is no Kafka mapping') },
    ]);
    expect((await run('alarms')).stdout).toMatch(
      /^From .*Z to .*Z:\n {2}Dropped: did not ring; DroppedEventCount, now .*\n {2}Unknown: not evaluated, /,
    );

    const exported = await run('record', 'export', '-o', 'memory.sqlite');
    expect([exported.code, exported.stdout]).toEqual([0, expect.stringMatching(/^Wrote 2 record/)]);
    const replayed = await run('record', 'replay', '--file', 'memory.sqlite');
    expect([replayed.code, replayed.stdout]).toEqual([
      0,
      expect.stringMatching(/^Ran \d invocations? again: \d answered the same, 0 differ\.$/m),
    ]);

    const partition = String((await bench.committed(0)) === 2 ? 0 : 1);
    const at = ['--partition', partition, '--offset', '0', '--count', '2'];
    const { code } = await run('generate-event', '-f', 'print', ...at, '-o', 'event.json');
    expect(code).toBe(0);
    const { groups } = await bench.admin.listGroups();
    expect(groups.filter(({ groupId }) => groupId.includes('generate-event'))).toEqual([]);
    const event = JSON.parse(await readFile(join(directory, 'event.json'), 'utf8'));
    expect(event.eventSource).toBe('SelfManagedKafka');
    expect(event.records[`${bench.topic}-${partition}`]).toMatchObject([
      { offset: 0, key: 'aw==', value: 'Zmlyc3Q=', headers: [{ h: [49] }, { h: [50] }] },
      { offset: 1, key: 'aw==' },
    ]);
    // The function cannot take a tombstone.
    await bench.produce([{ key: 'k', value: null }]);
    await until('a failure', () => output().includes('attempt 1'), { seen: output });
    const blocked = await status();
    expect(blocked).toMatchObject({ lag: 1 });
    expect(blocked.why).toContainEqual(
      expect.stringMatching(`partition ${partition} is blocked by offset 2 after .*first argument`),
    );
    const gone = await run('generate-event', '--partition', partition, '--offset', '9');
    expect([gone.code, gone.stdout + gone.stderr]).toEqual([
      1,
      expect.stringContaining('has the offsets 0 to 2, and not 9'),
    ]);
  } finally {
    await offline?.end();
    await rm(directory, { recursive: true });
  }
}, 120_000);
