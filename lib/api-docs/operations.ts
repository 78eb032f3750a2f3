import { HEALTH_OPERATIONS } from '../health/api.ts';
import type { Operation } from '../http/operation.ts';
import type { Route } from '../http/routes.ts';
import { NOTIFICATION_OPERATIONS } from '../notification/api.ts';
import { ORDER_OPERATIONS } from '../order/api.ts';
import { DOCS_OPERATIONS } from './api.ts';

/** Every operation of the API by its route. A route without its operation does not compile. */
export const OPERATIONS: Record<Route, Operation> = {
  ...ORDER_OPERATIONS,
  ...NOTIFICATION_OPERATIONS,
  ...HEALTH_OPERATIONS,
  ...DOCS_OPERATIONS,
};
