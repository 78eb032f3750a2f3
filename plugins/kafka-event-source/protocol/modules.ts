/** Loads a package's CommonJS modules a second time, apart from those that `require` has loaded. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';

/** Changes a module as soon as it is loaded. */
export interface Replacement {
  /** The module's file, from the package's folder. */
  readonly file: string;
  /** @returns the module to use; `load` loads another module of the copy by its file */
  readonly replace: (original: never, load: (file: string) => unknown) => unknown;
}

type Module = { exports: unknown };

type Run = (
  exports: object,
  require: (id: string) => unknown,
  module: Module,
  filename: string,
  folder: string,
) => void;

/** A copy of the modules below one folder, some of them replaced. Nobody else in the process sees it. */
export class PrivateModules {
  readonly #root: string;
  readonly #cache = new Map<string, Module>();
  readonly #replacements: ReadonlyMap<string, Replacement['replace']>;

  constructor(root: string, replacements: readonly Replacement[]) {
    this.#root = root;
    this.#replacements = new Map(
      replacements.map(({ file, replace }) => [join(root, ...file.split('/')), replace]),
    );
  }

  /** Loads a module by its file, from the package's folder. */
  load(file: string): unknown {
    return this.#require(join(this.#root, ...file.split('/')));
  }

  #require(filename: string): unknown {
    const known = this.#cache.get(filename);
    if (known) return known.exports;
    const module: Module = { exports: {} };
    this.#cache.set(filename, module);
    const code = readFileSync(filename, 'utf8');
    if (filename.endsWith('.json')) module.exports = JSON.parse(code);
    else this.#run(filename, code, module);
    const replace = this.#replacements.get(filename);
    if (replace) module.exports = replace(module.exports as never, (file) => this.load(file));
    return module.exports;
  }

  #run(filename: string, code: string, module: Module): void {
    const near = createRequire(filename);
    const requireNear = (id: string) =>
      id.startsWith('.') ? this.#require(near.resolve(id)) : near(id);
    // A function of the caller's realm, not of a new one: errors and buffers have the caller's classes.
    const run = new Function(
      'exports',
      'require',
      'module',
      '__filename',
      '__dirname',
      `${code}\n//# sourceURL=${encodeURI(filename.replaceAll(sep, '/'))}`,
    ) as Run;
    run(module.exports as object, requireNear, module, filename, dirname(filename));
  }
}
