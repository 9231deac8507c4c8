import { createRequire } from 'node:module';
import type * as prometheus from 'prom-client';

/**
 * The parts of prom-client that `metrics.ts` uses. Its index also loads the cluster module, gateways and default metrics:
 * 2 MB in every program. As in `shared/core/http-agents.ts`, these paths are not documented; a version that moves them
 * fails at the first import.
 */
const require = createRequire(import.meta.url);

export const Registry = require('prom-client/lib/registry.js') as typeof prometheus.Registry;
export const Counter = require('prom-client/lib/counter.js') as typeof prometheus.Counter;
export const Gauge = require('prom-client/lib/gauge.js') as typeof prometheus.Gauge;
export type Gauge = prometheus.Gauge;
export const Histogram = require('prom-client/lib/histogram.js') as typeof prometheus.Histogram;
