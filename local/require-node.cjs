// Stops an older Node with one clear message instead of a syntax error further on. CommonJS, and
// written for old versions, because it runs before anything else: as `node -r` in npm's scripts,
// and as the first plugin of serverless.yml.
'use strict';

const NEEDED = 24;
const running = process.versions.node;

if (Number.parseInt(running, 10) < NEEDED) {
  process.stderr.write(
    `This project runs on Node ${NEEDED} or newer; this is Node ${running} (${process.execPath}).\n` +
      `Node ${NEEDED} comes with "npm ci" as the dev dependency "node": start through npm or npx ` +
      '("npm start", "npm test", "npx sls ...").\n' +
      'If you did and still see this, npm did not run its install script: ' +
      '"npm rebuild node" does, after "npm install-scripts approve node" on npm 11.\n',
  );
  process.exit(1);
}

// Node compiles the framework and the SDK only once, for this process and for those that it starts.
process.env.NODE_COMPILE_CACHE ||= require('node:path').join(__dirname, '../.local/compile-cache');
require('node:module').enableCompileCache(process.env.NODE_COMPILE_CACHE);

// kafkajs sets a timer with a negative delay, and Node warns of it at the first connection.
const emitWarning = process.emitWarning;
process.emitWarning = (warning, ...rest) => {
  if (rest[0] !== 'TimeoutNegativeWarning') emitWarning.call(process, warning, ...rest);
};

/** A Serverless plugin that does nothing more. */
module.exports = class RequireNode {};
