import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Config } from 'jest';

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
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.local'],
} satisfies Config;

/** The tests of this package. A project with this package as workspace runs them with its own. */
export const projects = [
  {
    ...shared,
    displayName: 'unit',
    testEnvironment: join(import.meta.dirname, 'test/support/jest-environment.cjs'),
    testMatch: ['<rootDir>/**/*.test.ts'],
    testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/'],
  },
  {
    ...shared,
    displayName: 'contract',
    testMatch: ['<rootDir>/test/contract/**/*.test.ts'],
  },
  {
    ...shared,
    displayName: 'integration',
    testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
    globalSetup: '<rootDir>/test/support/setup.ts',
    globalTeardown: '<rootDir>/test/support/teardown.ts',
  },
] satisfies Config['projects'];

export default {
  testTimeout: 120_000, // Only against a test that hangs.
  maxWorkers: availableParallelism() + 1, // Most tests wait for Kafka, or for time to pass.
  workerGracefulExitTimeout: 10_000, // The end of a large process takes a busy machine half a second.
  maxConcurrency: 8,
  projects,
} satisfies Config;
