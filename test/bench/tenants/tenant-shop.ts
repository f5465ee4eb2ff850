import express, { type Express } from 'express';
import { createGateway, type Gateway, type Logger } from 'sluice';
import { problemHandler } from 'sluice/express';
import { shopPolicy } from '../../../examples/shop/policy.js';
import { addRoutes, type Work } from '../../../examples/shop/routes.js';

/** The header that names the tenant of a checkout. */
export const TENANT_HEADER = 'x-tenant';

/** The shop with tenants, before anybody listens. */
export interface TenantShop {
  readonly app: Express;
  readonly gateway: Gateway;
}

/** How {@link createTenantShop} builds it; the database holds the shop's tables already. */
export interface TenantShopOptions extends Work {
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger?: Logger;
}

/** The shop's routes and policy, with one thing added: a checkout belongs to the tenant that its header names. */
export async function createTenantShop(options: TenantShopOptions): Promise<TenantShop> {
  const { databaseUrl, env, logger, checkoutWorkMs, reportWorkMs } = options;
  const { routes, ...policy } = shopPolicy(databaseUrl);
  const checkout = { ...routes.checkout, tenantOf };
  const gateway = await createGateway(
    { ...policy, routes: { ...routes, checkout } },
    { env, ...(logger === undefined ? {} : { logger }) },
  );
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  addRoutes(app, gateway, { checkoutWorkMs, reportWorkMs });
  app.use(problemHandler({ catchAll: true }));
  return { app, gateway };
}

function tenantOf({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }): string | undefined {
  const tenant = headers[TENANT_HEADER];
  return typeof tenant === 'string' ? tenant : undefined;
}
