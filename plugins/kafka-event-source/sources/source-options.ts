import type { Given } from '../template/intrinsic.ts';

/** The facts about a service that its template does not hold. */
export interface SourceOptions {
  readonly service: string;
  readonly folder: string;
  readonly region: string;
  /** With the service's name it makes the name of the stack. */
  readonly stage: string;
  /** Values that only AWS knows; a function's name may need them. */
  readonly given: Given;
}
