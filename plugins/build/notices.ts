import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Metafile } from 'esbuild';
import { z } from 'zod';

/** The file, in each function's zip and in the image, with the notices of its packages. */
export const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** Finds the folder of the package in the path of a bundle's input: the innermost, if nested. */
const PACKAGE = /^(.*[\\/]?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;
const TEXT = /^(licen[cs]e|copying|copyright|notice|third[-_]?party[-_]?\w+)([-.].*)?$/i;

/** These publish packages without the text of their licence; the text is in their repositories. */
const LEFT_OUT = [
  { packages: /^@middy\//, licence: 'MIT', file: 'middy.txt' },
  { packages: /^@aws-lambda-powertools\//, licence: 'MIT-0', file: 'powertools.txt' },
];

const PackageJson = z.looseObject({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  author: z.union([z.string(), z.looseObject({ name: z.string() })]).optional(),
});

type Package = { title: string; text: string };

/**
 * For each folder of bundles, the names, versions, authors, licences and notices of all packages with
 * code in them: minified code has lost them. A text that several packages share is written once.
 *
 * @returns the texts by the folders' paths
 * @throws Error for a package without the text of a licence
 */
export async function noticesOf(
  { outputs }: Metafile,
  workingDir: string,
): Promise<Map<string, string>> {
  const read = new Map<string, Promise<Package>>();
  const packageIn = (folder: string) => {
    const known = read.get(folder) ?? readPackage(folder);
    read.set(folder, known);
    return known;
  };
  const notices = new Map<string, string>();
  const bundles = Object.entries(outputs).filter(([path]) => path.endsWith('.js'));
  for (const [folder, together] of Map.groupBy(bundles, ([path]) => dirname(path))) {
    const inputs = together.flatMap(([, bundle]) => Object.keys(bundle.inputs));
    const packages = await Promise.all(foldersOf(inputs, workingDir).map(packageIn));
    notices.set(resolve(workingDir, folder), write(packages));
  }
  return notices;
}

function foldersOf(inputs: string[], workingDir: string): string[] {
  const folders = inputs.flatMap((input) => PACKAGE.exec(input)?.[1] ?? []);
  return [...new Set(folders.map((folder) => resolve(workingDir, folder)))].toSorted();
}

async function readPackage(folder: string): Promise<Package> {
  const json: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const parsed = PackageJson.safeParse(json);
  if (!parsed.success) throw new Error(`${folder}: ${z.prettifyError(parsed.error)}`);
  const { name, version, license, author } = parsed.data;
  const files = (await readdir(folder)).filter((file) => TEXT.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  if (!files.some((file) => /^(licen[cs]e|copying)/i.test(file))) {
    texts.unshift(await leftOut(name, version, license));
  }
  const by = typeof author === 'string' ? author : author?.name;
  return {
    title: `${name} ${version} (${license})${by ? `, by ${by}` : ''}`,
    text: texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n'),
  };
}

async function leftOut(name: string, version: string, license: string): Promise<string> {
  const known = LEFT_OUT.find(
    ({ packages, licence }) => packages.test(name) && licence === license,
  );
  if (known) return readFile(join(import.meta.dirname, 'licences', known.file), 'utf8');
  throw new Error(
    `${name} ${version} (${license}) is bundled, but its package has no text of the licence: put the text of its ` +
      'repository into plugins/build/licences and its name into LEFT_OUT of plugins/build/notices.ts.',
  );
}

function write(packages: Package[]): string {
  const byText = Map.groupBy(packages, ({ text }) => text);
  const parts = [...byText].map(([text, same]) => {
    const titles = new Set(same.map(({ title }) => title).toSorted());
    return `${[...titles].join('\n')}\n\n${text}\n`;
  });
  const line = `\n${'-'.repeat(80)}\n\n`;
  return ['This function contains code of these packages.\n', ...parts.toSorted()].join(line);
}
