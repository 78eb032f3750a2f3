/** Serverless plugin: a role of its own for every function that says what it may do. */
import { roleOf, type Statement } from './role.ts';

type FunctionDefinition = {
  name: string;
  role?: unknown;
  vpc?: { subnetIds?: unknown };
  /** Statements, or lists of them. */
  iamRoleStatements?: (Statement | Statement[])[];
};

/** The parts of the framework that the plugin uses. */
type Serverless = {
  service: {
    resources?: { Resources?: Record<string, unknown> };
    getAllFunctions(): string[];
    getFunction(key: string): FunctionDefinition;
  };
  configSchemaHandler: { defineFunctionProperties(provider: 'aws', schema: object): void };
  getProvider(name: 'aws'): {
    naming: { getLambdaLogicalId(key: string): string; getLogGroupName(name: string): string };
  };
};

const SCHEMA = {
  type: 'object',
  properties: {
    iamRoleStatements: { type: 'array', items: { anyOf: [{ type: 'object' }, { type: 'array' }] } },
  },
};

/**
 * The framework gives all functions one role. Here a function with `iamRoleStatements` gets a role
 * that allows these, its own log and tracing, and nothing else; it is in the template like any other
 * resource, so `sls deploy` makes and removes it.
 */
export default class Roles {
  readonly hooks = { 'before:package:setupProviderConfiguration': () => this.#write() };
  readonly #serverless: Serverless;

  constructor(serverless: Serverless) {
    this.#serverless = serverless;
    serverless.configSchemaHandler.defineFunctionProperties('aws', SCHEMA);
  }

  #write(): void {
    const { service } = this.#serverless;
    const { naming } = this.#serverless.getProvider('aws');
    service.resources ??= {};
    service.resources.Resources ??= {};
    for (const key of service.getAllFunctions()) {
      const definition = service.getFunction(key);
      if (!definition.iamRoleStatements) continue;
      const id = naming.getLambdaLogicalId(key).replace(/LambdaFunction$/, 'Role');
      service.resources.Resources[id] = roleOf({
        logGroup: naming.getLogGroupName(definition.name),
        inVpc: isInVpc(definition),
        statements: definition.iamRoleStatements.flat(),
      });
      definition.role = id;
    }
  }
}

/** Empty lists take a function out of a VPC. */
function isInVpc({ vpc: { subnetIds } = {} }: FunctionDefinition): boolean {
  return Array.isArray(subnetIds) ? subnetIds.length > 0 : subnetIds !== undefined;
}
