// The steps of .github/workflows/deploy.yml that note a deployment and go back to it, run as they stand there.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { ROOT } from '../support/root.ts';
import { plainEnvironment, sls } from '../support/sls.ts';
import { readAccount } from './account.ts';
import { startMock } from './mock.ts';

type Step = { id?: string; run?: string; env?: Record<string, string> };

const VALUES = {
  KAFKA_BROKERS: 'b-1.example.com:9096',
  KAFKA_SECRET_ARN: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_orders-AbCdEf',
  SES_IDENTITY: 'example.com',
  ALARM_EMAIL: 'alarms@example.com',
  AUTH_ISSUER: 'https://issuer.example.com',
  AUTH_AUDIENCE: 'orders',
  HASH_SECRET: 'a-secret-of-the-deploy-test',
};

let mock: Awaited<ReturnType<typeof startMock>>;
let folder: string;
let steps: Step[];

before(async () => {
  mock = await startMock();
  folder = await mkdtemp(join(tmpdir(), 'orders-workflow-'));
  const workflow = parse(await readFile(join(ROOT, '.github/workflows/deploy.yml'), 'utf8'));
  steps = workflow.jobs.deploy.steps;
});

after(async () => {
  await mock?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a step by bash, as GitHub does, and answers its outputs. */
async function runStep(id: string, env: Record<string, string> = {}) {
  const script = steps.find((step) => step.id === id)?.run;
  assert.ok(script, `the workflow has no step ${id}`);
  const outputs = join(folder, id);
  await writeFile(outputs, '');
  const environment = plainEnvironment({
    ...VALUES,
    NOTIFICATION_FROM: 'orders@example.com',
    ...mock.environment,
    GITHUB_OUTPUT: outputs,
    ...env,
  });
  const file = join(folder, `${id}.sh`);
  // In the folder of the project, where the step may leave a file.
  await writeFile(file, script.replaceAll(/\bdeployments\b/g, join(folder, 'deployments')));
  await new Promise<void>((resolve, reject) => {
    const options = { cwd: ROOT, env: environment, timeout: 120_000 };
    execFile('bash', ['-e', file], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`${id}: ${error.message}\n${stdout}\n${stderr}`));
      else resolve();
    });
  });
  const lines = (await readFile(outputs, 'utf8')).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
}

const deploy = async (from: string) => {
  const env = { ...VALUES, NOTIFICATION_FROM: from, ...mock.environment };
  const { code, stdout, stderr } = await sls(['deploy', '--stage', 'prod'], env);
  assert.equal(code, 0, stdout + stderr + mock.refusals().join('\n'));
};

const senderOf = async () => {
  const { functions } = await readAccount(mock.endpoint);
  const notify = functions.find(({ FunctionName }) => FunctionName === 'orders-prod-notify');
  return notify?.Environment?.Variables?.NOTIFICATION_FROM;
};

test('before the first deployment nothing is noted', async () => {
  assert.deepEqual(await runStep('before'), { timestamp: '' });
});

test('an account that does not answer is not taken for one without a deployment', async () => {
  const away = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' };
  await assert.rejects(runStep('before', away), /before: /);
});

test('a deployment is noted, and gone back to after another one, code and template together', async () => {
  await deploy('first@example.com');
  const { timestamp = '' } = await runStep('before');
  assert.match(timestamp, /^\d{13}$/);
  await deploy('second@example.com');
  assert.equal(await senderOf(), 'second@example.com');
  await runStep('back', { TIMESTAMP: timestamp });
  assert.equal(await senderOf(), 'first@example.com');
});

test('the address of the API is found', async () => {
  const { url = '' } = await runStep('address');
  assert.match(url, /^https:\/\/\S+\.execute-api\.us-east-1\.\S+$/);
});
