/** The test runners in which the packed kit is tried, each in a project of its own. */
import packageJson from '../../package.json' with { type: 'json' };

export interface Runner {
  readonly name: string;
  readonly packages: readonly string[];
  /** The test's file; its name says whether it is a module. */
  readonly file: 'kit.test.mjs' | 'kit.test.cjs';
  /** The package of `test`. */
  readonly from: string;
  readonly command: readonly string[];
  /** The names of those tests of the pages that it runs. */
  readonly recipes?: RegExp;
}

const { jest, '@types/aws-lambda': lambda, avsc } = packageJson.devDependencies;
export const RUNNERS: readonly Runner[] = [
  {
    name: 'node:test',
    packages: [`avsc@${avsc}`],
    file: 'kit.test.mjs',
    from: 'node:test',
    command: ['--test'],
    recipes: /\.mjs$/,
  },
  {
    name: 'jest',
    packages: [`jest@${jest}`],
    file: 'kit.test.mjs',
    from: '@jest/globals',
    command: [
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      '--testMatch',
      '**/*.test.mjs',
    ],
  },
  {
    name: 'jest with CommonJS',
    packages: [`jest@${jest}`],
    file: 'kit.test.cjs',
    from: '@jest/globals',
    command: ['node_modules/jest/bin/jest.js', '--testMatch', '**/*.test.cjs'],
  },
  {
    name: 'vitest',
    packages: ['vitest@5.1.2', `@types/aws-lambda@${lambda}`],
    file: 'kit.test.mjs',
    from: 'vitest',
    command: ['node_modules/vitest/vitest.mjs', 'run'],
    recipes: /\.ts$/,
  },
];

export const imported = (names: string, from: string, { file }: Pick<Runner, 'file'>) =>
  file === 'kit.test.cjs'
    ? `const ${names} = require('${from}');`
    : `import ${names} from '${from}';`;

/** The arguments for these files: jest's own option takes all that follows as a file. */
export const only = ({ from }: Runner, ...files: string[]) =>
  from === '@jest/globals' ? [] : files;
