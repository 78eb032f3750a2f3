import { RequestError } from '../control/request.ts';

/** @param fault the field, and its fault in words */
export function bad(fault: string): RequestError {
  return new RequestError(400, 'BadRequest', `Change the request and send it again: ${fault}.`);
}
