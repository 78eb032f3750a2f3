/** Every path of the HTTP API with its methods, as serverless.yml routes them. A test compares. */
export const ROUTES = [
  { path: '/api/orders', methods: ['POST'] },
  { path: '/api/orders/{id}', methods: ['GET'] },
  { path: '/api/orders/{id}/status', methods: ['PUT'] },
  { path: '/api/orders/{id}/events', methods: ['GET'] },
  { path: '/api/orders/customer/{customerId}', methods: ['GET'] },
  { path: '/api/customers/{customerId}/preferences', methods: ['GET', 'PUT'] },
  { path: '/api/unsubscribe/{token}', methods: ['GET', 'POST'] },
  { path: '/api/notifications', methods: ['GET'] },
  { path: '/api/health', methods: ['GET'] },
  { path: '/api/docs', methods: ['GET'] },
  { path: '/api/openapi.json', methods: ['GET'] },
] as const satisfies { path: string; methods: string[] }[];

/** The methods that the address takes; undefined when there is nothing at it. */
export function methodsAt(path: string): readonly string[] | undefined {
  return ROUTES.find((route) => patternOf(route.path).test(path))?.methods;
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

/** A method and its path, as serverless.yml writes them: `GET /api/orders/{id}`. */
export type Route = RouteOf<(typeof ROUTES)[number]>;

type RouteOf<Row> = Row extends { path: string; methods: readonly string[] }
  ? `${Row['methods'][number]} ${Row['path']}`
  : never;
