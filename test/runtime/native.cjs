// Loaded before aws-lambda-ric, in place of its compiled `rapid-client.node`, which posts answers to
// the Runtime API. With AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1 the client itself gets the events.
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

function post(path, body, headers = {}) {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/${path}`;
  const request = http.request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  // An answer that the Runtime API does not take ends the process, as with the compiled client.
  request.on('error', (error) => {
    throw error;
  });
  request.on('response', (response) => {
    response.resume();
    if (response.statusCode !== 202) throw new Error(`${path}: ${response.statusCode}`);
  });
  request.end(body);
}

module.exports = {
  done: (id, body) => post(`${id}/response`, body),
  error: (id, body, xray) =>
    post(`${id}/error`, body, {
      'lambda-runtime-function-error-type': JSON.parse(body).errorType,
      'lambda-runtime-function-xray-error-cause': xray,
    }),
};
