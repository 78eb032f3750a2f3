import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { CODEC_PACKAGES } from '../../protocol/codecs.ts';
import { ROOT } from '../support/root.ts';

/** The error if only these files of packages are installed. */
async function saidOf(format: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'kes-formats-'));
  cpSync(join(ROOT, 'schema'), folder, { recursive: true });
  for (const [name, code] of Object.entries(files)) {
    const file = join(folder, 'node_modules', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
  const script = `
    const { createReader } = await import('./format.ts');
    await createReader({ format: '${format}', text: '{}', references: [] })
      .catch(({ name, message }) => console.log(name, message));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', script],
    { cwd: folder },
  );
  rmSync(folder, { recursive: true });
  return stdout;
}

test.each([
  ['AVRO', 'avsc@^5.7.0'],
  ['PROTOBUF', 'protobufjs@^8.0.0'],
  ['JSON', 'ajv@^8.13.0 ajv-formats@^3.0.0'],
])('without the package for %s the error says what to install', async (format, packages) => {
  const said = await saidOf(format, {});
  expect(said).toContain('PackageMissing');
  expect(said).toContain(`is not installed: npm install --save-dev ${packages},`);
});

test('the error about an ajv that is too old names the needed release', async () => {
  // Like ajv before 8.13, which has no export named Ajv.
  const said = await saidOf('JSON', {
    'ajv/index.js': 'module.exports = class {};',
    'ajv/dist/2019.js': 'exports.Ajv2019 = class {};',
    'ajv/dist/2020.js': 'exports.Ajv2020 = class {};',
    'ajv-formats/index.js': 'module.exports = () => {};',
  });
  expect(said).toContain('PackageMissing');
  expect(said).toMatch(/does not load \(.*: npm install --save-dev ajv@\^8\.13\.0 /);
});

test.each([
  [2, 'snappy'],
  [3, 'lz4'],
] as const)(
  'without its package, codec %i (%s) is an error that says what to install',
  async (codec, name) => {
    const folder = mkdtempSync(join(tmpdir(), 'kes-codecs-'));
    cpSync(join(ROOT, 'protocol/codecs.ts'), join(folder, 'codecs.ts'));
    const script = `
    const { decompress } = await import('./codecs.ts');
    await decompress(${codec}, Buffer.from('any')).catch(({ message }) => console.log(message));`;
    const options = { cwd: folder };
    const args = ['--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    rmSync(folder, { recursive: true });
    expect(stdout).toBe(
      `a batch is compressed by ${name}, and the package for it is not installed: ` +
        `npm install --save-dev ${CODEC_PACKAGES[name]}, and start again\n`,
    );
  },
);
