// Loaded before aws-lambda-ric, in place of its compiled `rapid-client.node`, which speaks with the
// Runtime API.
'use strict';

const http = require('node:http');
const { registerHooks } = require('node:module');
const { pathToFileURL } = require('node:url');

const COMPILED = './rapid-client.node';
const TIMEOUT_MS = 10_000;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === COMPILED
      ? { url: pathToFileURL(__filename).href, format: 'commonjs', shortCircuit: true }
      : next(specifier, context),
});

/** The answer that is on its way: the compiled client asks for the next event after the API has taken it. */
let posted = Promise.resolve();

function call(path, options, body) {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
  const answered = Promise.withResolvers();
  const request = http.request(url, options, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    response.on('end', () => answered.resolve({ response, text }));
    response.on('error', answered.reject);
  });
  request.on('error', answered.reject);
  request.end(body);
  return answered.promise;
}

async function next() {
  await posted;
  const { response, text } = await call('next', { method: 'GET' });
  return { bodyJson: text, headers: response.headers };
}

// An answer that the Runtime API does not take ends the process, as with the compiled client.
async function post(path, body, headers = {}) {
  const { response } = await call(
    path,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    },
    body,
  );
  if (response.statusCode !== 202) throw new Error(`${path}: ${response.statusCode}`);
}

module.exports = {
  next,
  done: (id, body) => {
    posted = post(`${id}/response`, body);
  },
  error: (id, body, xray) => {
    posted = post(`${id}/error`, body, {
      'lambda-runtime-function-error-type': JSON.parse(body).errorType,
      'lambda-runtime-function-xray-error-cause': xray,
    });
  },
};
