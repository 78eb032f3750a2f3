// Jest's environment of Node, with less work for each test file. CommonJS, because jest's own modules take
// these functions from `node:vm` at each call, so that they can be replaced in the process of a worker.
'use strict';

const { createRequire } = require('node:module');
const vm = require('node:vm');

// A part of jest, of jest's own version.
const { TestEnvironment } = createRequire(require.resolve('jest'))('jest-environment-node');

const { createContext, SourceTextModule } = vm;

/**
 * The sources that this process has compiled, each with V8's data about it. Each test file loads its modules,
 * jest's own among them, into a context of its own; V8 parses only those of the first.
 */
const compiled = new Map();
/** The scripts of the present test file that are to be added when it ends: by then V8 knows the functions in use. */
const scripts = new Map();

function cachedDataOf(name, source) {
  const last = compiled.get(name);
  return last?.source === source ? last.cachedData : undefined;
}

vm.compileFunction = (source, parameters, { parsingContext, ...options }) => {
  const last = compiled.get(options.filename);
  if (last?.source === source && last.script) return last.script.runInContext(parsingContext);
  const opening = `(function (${parameters}) {`;
  const script = new vm.Script(`${opening}${source}\n})`, {
    ...options,
    cachedData: last?.source === source ? last.cachedData : undefined,
    columnOffset: -opening.length,
  });
  if (!/\bimport\s*\(/.test(source)) compiled.set(options.filename, { source, script });
  else if (!last?.cachedData) scripts.set(options.filename, { source, script });
  return script.runInContext(parsingContext);
};

vm.SourceTextModule = class extends SourceTextModule {
  constructor(source, options) {
    const cachedData = cachedDataOf(options.identifier, source);
    super(source, { ...options, cachedData });
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
