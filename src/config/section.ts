import type { GatewayValues, PerCallerValues, PoolValues, RouteValues } from './config.js';
import type { Field, FieldsOf } from './field.js';
import { gatewayFields } from './gateway-fields.js';
import { upperSnake, VARIABLE_PREFIX } from './names.js';
import { poolFields } from './pool-fields.js';
import { perCallerFields, routeFields } from './route-fields.js';

/** A group of fields that stand together in the code and share the beginning of their variables. */
export interface Section<Values> {
  /** What stands before a field's name in the code: nothing, or `pools.checkout.`. */
  readonly pathPrefix: string;
  /** What stands before a field's name in the environment: `SLUICE_POOL_CHECKOUT_`. */
  readonly variablePrefix: string;
  readonly fields: FieldsOf<Values>;
}

/** One field in its section. */
export interface Entry {
  readonly key: string;
  /** The place in the code, for example `pools.checkout.max`. */
  readonly path: string;
  readonly variable: string;
  /** The key as it ends the variable: `MAX`. */
  readonly form: string;
  readonly field: Field<unknown>;
}

/** The fields of a section, in the order in which they are documented. */
export function entriesOf<Values>(section: Section<Values>): Entry[] {
  return Object.entries<Field<unknown>>(section.fields).map(([key, field]) => ({
    key,
    path: section.pathPrefix + key,
    variable: section.variablePrefix + upperSnake(key),
    form: upperSnake(key),
    field,
  }));
}

/** The gateway's own fields. */
export const gatewaySection: Section<GatewayValues> = {
  pathPrefix: '',
  variablePrefix: VARIABLE_PREFIX,
  fields: gatewayFields,
};

/** The fields of the pool of that name. */
export function poolSection(name: string): Section<PoolValues> {
  return {
    pathPrefix: `pools.${name}.`,
    variablePrefix: `${VARIABLE_PREFIX}POOL_${upperSnake(name)}_`,
    fields: poolFields,
  };
}

/** The fields of the route of that name. */
export function routeSection(name: string): Section<RouteValues> {
  return {
    pathPrefix: `routes.${name}.`,
    variablePrefix: `${VARIABLE_PREFIX}ROUTE_${upperSnake(name)}_`,
    fields: routeFields,
  };
}

/** The fields of the bucket per caller of the route of that name. */
export function perCallerSection(name: string): Section<PerCallerValues> {
  const route = routeSection(name);
  return {
    pathPrefix: `${route.pathPrefix}perCaller.`,
    variablePrefix: `${route.variablePrefix}PER_CALLER_`,
    fields: perCallerFields,
  };
}
