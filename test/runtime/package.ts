import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sls } from '../support/sls.ts';

/** A function of the packaged template, as far as Lambda's runtime needs it. */
export type PackagedFunction = {
  key: string;
  zip: string;
  name: string;
  handler: string;
  memory: number;
  timeoutMs: number;
  environment: Record<string, string>;
};

export type Resource = {
  Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation's properties
  Properties: any;
};

export const packageProd = (env: Record<string, string> = {}) => packageStage('prod', env);

type Template = {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Export?: { Name: string } }>;
};

/** `sls package --stage <stage>` into a folder of its own. */
export async function packageStage(stage: string, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'orders-package-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const { code, stdout, stderr } = await sls(
    ['package', '--stage', stage, '--package', folder],
    env,
  );
  if (code !== 0) {
    await remove();
    throw new Error(`sls package failed:\n${stdout}${stderr}`);
  }
  const template = await readFile(
    join(folder, 'cloudformation-template-update-stack.json'),
    'utf8',
  );
  const { Resources: resources, Outputs: outputs }: Template = JSON.parse(template);
  const functions = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }): PackagedFunction => {
      const key = Properties.FunctionName.replace(`orders-${stage}-`, '');
      return {
        key,
        zip: join(folder, `${key}.zip`),
        name: Properties.FunctionName,
        handler: Properties.Handler,
        memory: Properties.MemorySize,
        timeoutMs: Properties.Timeout * 1000,
        environment: Properties.Environment.Variables,
      };
    });
  return { folder, functions, resources, outputs, remove };
}
