/** Runs the function in a process of its own, as an instance of Lambda does. It gets events as messages. */
import { conform } from './handler.mjs';

process.on('message', async (event) => {
  try {
    process.send({ answer: (await conform(event)) ?? null });
  } catch ({ name, message, stack }) {
    process.send({ error: { errorType: name, errorMessage: message, trace: stack.split('\n') } });
  }
});
