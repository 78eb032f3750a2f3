import { roleOf, type Statement } from './role.ts';

type FunctionDefinition = {
  name: string;
  role?: unknown;
  vpc?: { subnetIds?: unknown };
  /** Statements, or lists of them. */
  iamRoleStatements?: (Statement | Statement[])[];
};

/** The parts of the service that this file reads and changes. */
export type RoleService = {
  resources?: { Resources?: Record<string, unknown> };
  getAllFunctions(): string[];
  getFunction(key: string): FunctionDefinition;
};

type Naming = { getLambdaLogicalId(key: string): string; getLogGroupName(name: string): string };

/** Our own property of a function in serverless.yml. */
export const ROLE_SCHEMA = {
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
export function writeRoles(service: RoleService, naming: Naming): void {
  service.resources ??= {};
  service.resources.Resources ??= {};
  for (const key of service.getAllFunctions()) {
    const definition = service.getFunction(key);
    if (!definition.iamRoleStatements) continue;
    const id = naming.getLambdaLogicalId(key).replace(/LambdaFunction$/, 'Role');
    service.resources.Resources[id] = roleOf({
      functionName: definition.name,
      logGroup: naming.getLogGroupName(definition.name),
      inVpc: isInVpc(definition),
      statements: definition.iamRoleStatements.flat(),
    });
    definition.role = id;
  }
}

/** Empty lists take a function out of a VPC. */
function isInVpc({ vpc: { subnetIds } = {} }: FunctionDefinition): boolean {
  return Array.isArray(subnetIds) ? subnetIds.length > 0 : subnetIds !== undefined;
}
