import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../bench/figures.ts';
import { isFree } from '../../broker/ports.ts';
import { supervise } from '../../broker/supervise.ts';
import { installNode, linkJars, sizeOf } from '../support/install.ts';
import { ROOT } from '../support/root.ts';
import { plainEnvironment } from '../support/sls.ts';
import { pack } from '../support/tarball.ts';
import { type Block, blocksOf, commandsOf, sectionOf } from './blocks.ts';
import { type Registry, startRegistry } from './registry.ts';
import { Terminals } from './terminals.ts';

const HELP = `npm run test:readme -- [--only <text>]
npm run test:examples -- [--only <text>]

Packs the package and does what a page says, block by block, in an empty folder: "sh" runs each line in a
terminal of its own, until it ends or says that it is ready; a block with a file's name writes the file;
"text printed" must appear. Other blocks are not run. test:readme does README.md with each Node, test:examples the
page of each example. Prints a table with the installed packages and the seconds; ends with 1 if a page
fails, or if the package alone is over 20 packages or 15 MB. Packages come from npm; ports are those of
the pages: 3000 to 3002, and 9092.
--only runs the lines that contain the text, such as "Start", "example sam" or "Node 26".`;

const PRINTED = 'printed';
const NODES = ['22.15.0', '24', '26'];
const PORTS = [3000, 3001, 3002, 9092];
const EXAMPLES = ['serverless', 'sam', 'cdk', 'terraform', 'python'];
/** The sections of the README, with the files of the example for SAM that the reader has already. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  Start: [],
  'Without Serverless': ['template.yaml', 'src'],
};
const PRINTED_MS = 60_000;
/** The most that an installation without a framework may have. */
const LIMITS = { packages: 20, megabytes: 15 } as const;

interface Walk {
  readonly name: string;
  readonly node: string;
  readonly blocks: readonly Block[];
  /** Files that the reader has before: each path, and its place in the folder. */
  readonly files: readonly (readonly [from: string, to: string])[];
}

interface Place {
  readonly folder: string;
  readonly registry: Registry;
}

const { values } = parseArgs({
  options: {
    examples: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    help: { type: 'boolean' },
  },
});

async function main(): Promise<void> {
  if (values.help) return console.log(HELP);
  const all = values.examples ? await exampleWalks() : await readmeWalks();
  const walks = all.filter(({ name, node }) => `${name}, Node ${node}`.includes(values.only));
  if (walks.length === 0) throw new Error(HELP);
  await checkPorts();
  const folder = await mkdtemp(join(tmpdir(), 'kes-walks-'));
  const supervisor = supervise(join(folder, 'supervisor'));
  supervisor.remove(folder);
  let registry: Registry | undefined;
  try {
    registry = await startRegistry(await pack(folder));
    await mkdir(join(folder, 'bin'));
    await cp(join(import.meta.dirname, 'sam.mjs'), join(folder, 'bin/sam'));
    await chmod(join(folder, 'bin/sam'), 0o755);
    const rows: string[][] = [];
    const place = { folder, registry };
    for (const walk of walks) rows.push(await rowOf(walk, place));
    const head = ['page', 'Node', 'packages', 'MB', 'install s', 'to the record s', 'result'];
    console.log(table(head, rows));
    if (rows.some((row) => row.at(-1) !== PRINTED)) process.exitCode = 1;
  } finally {
    registry?.close();
    await supervisor.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function readmeWalks(): Promise<Walk[]> {
  const page = await readFile(join(ROOT, 'README.md'), 'utf8');
  const sam = join(ROOT, 'examples/sam');
  return NODES.flatMap((node) =>
    Object.entries(SECTIONS).map(([name, files]) => ({
      name: `README, ${name}`,
      node,
      blocks: blocksOf(sectionOf(page, name)),
      files: files.map((file) => [join(sam, file), file] as const),
    })),
  );
}

function exampleWalks(): Promise<Walk[]> {
  return Promise.all(
    EXAMPLES.map(async (name) => {
      const folder = join(ROOT, 'examples', name);
      const blocks = blocksOf(await readFile(join(folder, 'README.md'), 'utf8'));
      return { name: `example ${name}`, node: '24', blocks, files: [[folder, '.'] as const] };
    }),
  );
}

async function checkPorts(): Promise<void> {
  const free = await Promise.all(PORTS.map((port) => isFree(port)));
  const taken = PORTS.filter((_, index) => !free[index]);
  if (taken.length === 0) return;
  throw new Error(`The pages name these ports, which are taken: ${taken.join(', ')}.`);
}

async function rowOf(walk: Walk, place: Place): Promise<string[]> {
  const { name, node } = walk;
  try {
    const { packages, megabytes, installed, printed } = await follow(walk, place);
    const isAlone = name === 'README, Without Serverless';
    const isSmall = packages <= LIMITS.packages && megabytes <= LIMITS.megabytes;
    const figures = [`${packages}`, megabytes.toFixed(1), installed.toFixed(1), printed.toFixed(1)];
    return [name, node, ...figures, isSmall || !isAlone ? PRINTED : 'too large'];
  } catch (error) {
    console.error(error);
    const [line = ''] = String(error).split('\n');
    return [name, node, '', '', '', '', `failed: ${line}`];
  }
}

/** Does what the page says. @returns the installed size, and seconds. @throws Error with all output */
async function follow({ name, node, blocks, files }: Walk, { folder, registry }: Place) {
  const project = join(folder, `${name} ${node}`.replaceAll(/\W+/g, '-'));
  await mkdir(project);
  for (const [from, to] of files) await cp(from, join(project, to), { recursive: true });
  await linkJars(project);
  const bin = dirname(await installNode(folder, node));
  await using terminals = new Terminals(project, environment(registry, [join(folder, 'bin'), bin]));
  const times: number[] = [];
  for (const block of blocks) {
    if (block.word === 'printed') {
      for (const line of block.text.trim().split('\n')) await terminals.sees(line, PRINTED_MS);
      times.push(performance.now());
    } else if (block.word !== '') {
      await writeFile(join(project, block.word), block.text);
    } else if (block.language === 'sh') {
      for (const command of commandsOf(block)) {
        times.push(performance.now());
        await terminals.run(command);
      }
    }
  }
  const [begin = Number.NaN, second = Number.NaN] = times;
  const { packages, megabytes } = await sizeOf(project);
  return {
    packages,
    megabytes,
    installed: (second - begin) / 1000,
    printed: ((times.at(-1) ?? Number.NaN) - second) / 1000,
  };
}

/** A terminal's environment, with npm's settings and these programs first. */
function environment({ url }: Registry, programs: readonly string[]): NodeJS.ProcessEnv {
  const { PATH: _, ...plain } = plainEnvironment();
  // npm puts the repository's own programs first.
  const paths = process.env.PATH?.split(':').filter((path) => !path.includes('node_modules')) ?? [];
  const settings = Object.entries(process.env).filter(([name]) =>
    /^(npm_config_|NODE_EXTRA)/i.test(name),
  );
  return {
    ...Object.fromEntries(settings),
    ...plain,
    NODE_COMPILE_CACHE: undefined,
    PATH: [...programs, ...paths].join(':'),
    npm_config_registry: url,
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  } as NodeJS.ProcessEnv;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
