// Jest's environment of Node, with less work for each test file. CommonJS, because jest's own modules take
// these functions from `node:vm` and `graceful-fs` at each call, so that they can be replaced in the process of a worker.
'use strict';

const { createRequire } = require('node:module');
const vm = require('node:vm');

// Parts of jest, of jest's own versions.
const requireOfJest = createRequire(require.resolve('jest'));
const { TestEnvironment } = requireOfJest('jest-environment-node');
const fs = requireOfJest('graceful-fs');

const { createContext, SourceTextModule } = vm;
const { readFileSync } = fs;

/** The files of packages that this process has read: each test file reads and decodes them again. */
const read = new Map();

fs.readFileSync = (path, ...options) => {
  if (options.length > 0 || !String(path).includes('/node_modules/')) {
    return readFileSync(path, ...options);
  }
  if (!read.has(path)) {
    const content = readFileSync(path);
    const text = content.toString();
    read.set(path, Object.assign(content, { toString: () => text }));
  }
  return read.get(path);
};

/** The tests need one of zod's 60 languages. Each is a module, and would be made for each test file. */
const ZOD_LANGUAGES = "export { default as en } from './en.js';";

/**
 * The sources that this process has compiled. Each test file loads its modules, jest's own among them, into a
 * context of its own. A compiled script runs in every context. ECMAScript modules, and scripts with `import()`, are
 * compiled for each file, with the data that V8 made the first time.
 */
const compiled = new Map();
/** New scripts with `import()`. Their data are kept at the end of the test file, when V8 knows the functions in use. */
const scripts = new Map();

function keptOf(name, source) {
  const kept = compiled.get(name);
  return kept?.source === source ? kept : undefined;
}

vm.compileFunction = (
  source,
  parameters,
  { parsingContext, importModuleDynamically, ...options },
) => {
  const kept = keptOf(options.filename, source);
  if (kept?.script) return kept.script.runInContext(parsingContext);
  const opening = `(function (${parameters}) {`;
  // A script keeps the function that loads the modules of its `import()`. That function belongs to one test file.
  const isOfOneFile = /\bimport\s*[(/]/.test(source);
  const script = new vm.Script(`${opening}${source}\n})`, {
    ...options,
    ...(isOfOneFile && { importModuleDynamically }),
    cachedData: kept?.cachedData,
    columnOffset: -opening.length,
  });
  if (!isOfOneFile) compiled.set(options.filename, { source, script });
  else if (!kept || script.cachedDataRejected) scripts.set(options.filename, { source, script });
  return script.runInContext(parsingContext);
};

vm.SourceTextModule = class extends SourceTextModule {
  // biome-ignore lint/correctness/noUnreachableSuper: the second call comes only if the first has thrown
  constructor(text, options) {
    const isLanguages = options.identifier.endsWith('/zod/v4/locales/index.js');
    const source = isLanguages ? ZOD_LANGUAGES : text;
    let cachedData = keptOf(options.identifier, source)?.cachedData;
    try {
      super(source, { ...options, cachedData });
    } catch (error) {
      // V8 refuses data that it made before its flags changed.
      if (error.code !== 'ERR_VM_MODULE_CACHED_DATA_REJECTED') throw error;
      cachedData = undefined;
      super(source, options);
    }
    if (!cachedData) {
      compiled.set(options.identifier, { source, cachedData: this.createCachedData() });
    }
  }
};

module.exports = class extends TestEnvironment {
  /** The global object is an ordinary one: in vm's usual one, each look at `Math` or `Buffer` leaves V8. */
  constructor(...args) {
    vm.createContext = () => createContext(vm.constants.DONT_CONTEXTIFY);
    try {
      super(...args);
    } finally {
      vm.createContext = createContext;
    }
  }

  async teardown() {
    for (const [name, { source, script }] of scripts) {
      compiled.set(name, { source, cachedData: script.createCachedData() });
    }
    scripts.clear();
    await super.teardown();
  }
};
