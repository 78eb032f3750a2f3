import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from 'jest';
import packageJson from './package.json' with { type: 'json' };

type Projects = NonNullable<Config['projects']>;

const shared = {
  extensionsToTreatAsEsm: ['.ts'],
  setupFiles: ['<rootDir>/test/support/environment.ts'],
  testEnvironment: 'node',
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.serverless', '<rootDir>/.local'],
} satisfies Config;

/**
 * The projects that need Kafka and DynamoDB: started once for all of them, on free ports, and only when a
 * test of them is selected.
 */
const withBackend = {
  ...shared,
  globalSetup: '<rootDir>/test/support/setup.ts',
  globalTeardown: '<rootDir>/test/support/teardown.ts',
} satisfies Config;

/** A project that needs only DynamoDB, which is not started again if `withBackend` has started it. */
const withDatabase = {
  ...withBackend,
  globalSetup: '<rootDir>/test/support/setup-database.ts',
} satisfies Config;

/** The jest projects of each workspace, the same that the workspace runs alone. */
async function projectsOf(workspace: string): Promise<Projects> {
  const folder = join(import.meta.dirname, workspace);
  const { projects } = (await import(join(folder, 'jest.config.ts'))) as { projects: object[] };
  return projects.map((project) => ({ ...project, rootDir: folder }));
}

const workspaces = await Promise.all(packageJson.workspaces.map(projectsOf));

export default {
  testTimeout: 120_000, // Ends only a test that hangs, like every deadline inside the tests.
  maxWorkers: availableParallelism() + 1, // Most files wait for other processes, or for time to pass.
  workerGracefulExitTimeout: 10_000, // The end of a large process takes a busy machine half a second.
  maxConcurrency: 8, // Tests that wait do so together.
  testSequencer: './test/support/sequencer.cjs',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testEnvironment: '<rootDir>/plugins/kafka-event-source/test/support/jest-environment.cjs',
      testMatch: ['<rootDir>/{bench,functions,infra,lib,local,plugins}/**/*.test.ts'],
      testPathIgnorePatterns: packageJson.workspaces.map((workspace) => `<rootDir>/${workspace}/`),
    },
    {
      ...shared,
      displayName: 'contract',
      testMatch: ['<rootDir>/test/contract/**/*.test.ts'],
    },
    {
      ...withDatabase,
      displayName: 'notify',
      testMatch: ['<rootDir>/test/notify/**/*.test.ts'],
    },
    {
      ...withBackend,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
    },
    {
      ...withBackend,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/{e2e,runtime}/**/*.test.ts'],
    },
    ...workspaces.flat(),
  ],
} satisfies Config;
