// Completes package-lock.json with the packages of other platforms. npm leaves out those that its registry
// does not have (a mirror may hold the packages of its own platform only), and `npm ci` then refuses the
// lock file: `npm run lock` after every change of the dependencies.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Package = {
  version: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
};

const FILE = join(import.meta.dirname, '..', 'package-lock.json');

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = [
  'arm64',
  'arm',
  'x64',
  'ia32',
  'loong64',
  'mips64el',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
];

/** The platform in a package's name: `@swc/core-linux-arm-gnueabihf`. */
function platformOf(name: string): Pick<Package, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  const isMusl = words.includes('musl');
  const isGlibc = words.includes('gnu') || words.includes('glibc');
  return {
    ...(os.length > 0 && { os }),
    ...(cpu.length > 0 && { cpu }),
    ...((isMusl || isGlibc) && { libc: [isMusl ? 'musl' : 'glibc'] }),
  };
}

/** Looked for as Node does: beside the package that wants it, and in every folder above. */
function has(packages: Record<string, Package>, from: string, name: string): boolean {
  let folder = from;
  for (;;) {
    if (packages[`${folder}${folder ? '/' : ''}node_modules/${name}`]) return true;
    if (folder === '') return false;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')));
    if (!folder.includes('node_modules/')) folder = '';
  }
}

function main(): void {
  const lock = JSON.parse(readFileSync(FILE, 'utf8'));
  const packages: Record<string, Package> = lock.packages;
  let added = 0;
  for (const [place, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (has(packages, place, name)) continue;
      if (!/^\d+\.\d+\.\d+/.test(version)) {
        console.error(`${name}: "${version}" is no exact version; it stays out`);
        continue;
      }
      packages[`node_modules/${name}`] = {
        version,
        ...platformOf(name),
        ...(dev && { dev }),
        optional: true,
      };
      added += 1;
    }
  }
  const sorted = Object.fromEntries(
    Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(FILE, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
  console.log(`${added} packages of other platforms added to package-lock.json`);
}

main();
