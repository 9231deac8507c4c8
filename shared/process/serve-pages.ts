import type { Clock } from '../core/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Runtime } from '../kube/runtime.ts';
import { type CertificatePair, folderCertificates } from './certificate-folder.ts';
import type { ProgramConfig } from './config.ts';
import { healthPages, serveHttp } from './http.ts';
import type { Life } from './life.ts';
import type { PrometheusMeters } from './metrics.ts';
import { ScraperAccess } from './scraper-access.ts';
import { selfSignedCertificate } from './self-signed.ts';

export type Closer = () => void | Promise<void>;

export interface PagesOptions {
  life: Life;
  meters: PrometheusMeters;
  runtime: Runtime;
  closers: Closer[];
  /** Of the program and of its machine: they stand in a certificate that we make. */
  name: string;
  hostname: string;
  connect(limits: { concurrency: number; requestTimeoutMs: number }): KubeClient;
}

/** A scraper waits for the answer, mostly 10 s. */
const reviewMsMax = 5_000;
const reviewsAtOnce = 4;

/** Serves health and metrics where the configuration says. */
export async function servePages(config: ProgramConfig, options: PagesOptions): Promise<void> {
  const { life, closers, runtime } = options;
  if (config.healthProbeBindAddress !== undefined) {
    const server = await serveHttp(config.healthProbeBindAddress, { pages: healthPages(() => life.notReady()) });
    closers.push(() => server.close());
    runtime.log.info({ url: server.url }, 'serving health');
  }
  await serveMetrics(config.metrics, options);
}

async function serveMetrics(config: ProgramConfig['metrics'], options: PagesOptions): Promise<void> {
  const { meters, closers, runtime } = options;
  const { bindAddress, secureServing, enableAuthnAuthz, certDir } = config;
  if (bindAddress === undefined) return;
  const certificates = secureServing ? certificatesFor(certDir, options) : undefined;
  const admit = enableAuthnAuthz ? reviews(options) : undefined;
  const pages = { '/metrics': () => meters.exposition() };
  const tls = certificates?.first;
  const server = await serveHttp(bindAddress, { pages, ...(tls && { tls }), ...(admit && { admit }) });
  closers.push(() => server.close());
  const stopReading = certificates?.follow((pair) => server.renew(pair));
  if (stopReading !== undefined) closers.push(stopReading);
  runtime.log.info({ url: server.url, secure: secureServing, authenticated: enableAuthnAuthz }, 'serving metrics');
}

function reviews({ connect, runtime }: PagesOptions) {
  // Not the program's own client: one that stands by may not write with that, and must answer scrapers all the same.
  const client = connect({ concurrency: reviewsAtOnce, requestTimeoutMs: reviewMsMax });
  const access = new ScraperAccess({ client, clock: runtime.clock, log: runtime.log });
  return (authorization: string | undefined) => access.refusal(authorization);
}

interface Certificates {
  first: CertificatePair;
  /** Calls `renew` with each later pair, until the returned function is called. */
  follow(renew: (pair: CertificatePair) => void): () => void;
}

function certificatesFor(folder: string | undefined, options: PagesOptions): Certificates {
  const { clock, log }: { clock: Clock; log: Runtime['log'] } = options.runtime;
  if (folder !== undefined) return folderCertificates(folder, { clock, log });
  const { name, hostname } = options;
  const first = selfSignedCertificate({ name, hosts: [hostname, 'localhost'], nowMs: clock.now() });
  return { first, follow: () => () => undefined };
}
