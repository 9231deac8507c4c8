import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Clock, rfc3339 } from '../../../shared/core/clock.ts';
import { makeServerIdentity } from './certificates.ts';
import { Credentials, kubeconfigText } from './credentials.ts';
import { Faults } from './faults/faults.ts';
import { EventLines } from './http/encode.ts';
import { type Authorize, handle, type Pipeline } from './http/pipeline.ts';
import { Catalog } from './kinds/catalog.ts';
import type { ServerState } from './operations/context.ts';
import { serveDefinitions } from './operations/definitions.ts';
import { RequestLog } from './requests.ts';
import { Store } from './store/store.ts';

export interface ApiServerOptions {
  clock: Clock;
  /** Shows in certificates and as the kubeconfig's context. */
  name: string;
  /** 0, the default, takes a free one. */
  port?: number;
  authorize?: Authorize;
  /** Writes kept per kind for watches that resume; an older one is answered 410. */
  historyMax?: number;
}

export interface ApiServer {
  readonly url: string;
  readonly caPem: string;
  /** The text of a kubeconfig with a bearer token for `user`, by default an administrator. */
  kubeconfig(user?: string): string;
  token(user: string): string;
  readonly requests: RequestLog;
  /** From now on; undefined: everybody may do everything. */
  setAuthorize(authorize: Authorize | undefined): void;
  /** What goes wrong, by rule. */
  readonly faults: Faults;
  /** Forgets the history of writes and the pages under way, as etcd's compaction does. */
  compact(): void;
  /** Ends every watch as a restart of the server would: the connections break. */
  dropConnections(): void;
  stop(): Promise<void>;
}

const historyMaxDefault = 10_000;
const requestsMax = 50_000;

/** A Kubernetes API server on loopback, with an authority of its own. A test double: it never ships. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, name } = options;
  const state: ServerState = {
    store: new Store(options.historyMax ?? historyMaxDefault),
    catalog: new Catalog(),
    clock,
  };
  serveDefinitions(state);
  addNamespaces(state);
  const pipeline: Pipeline = {
    state,
    credentials: new Credentials(),
    authorize: options.authorize,
    requests: new RequestLog(requestsMax),
    lines: new EventLines(),
    faults: new Faults(clock),
  };
  const identity = await makeServerIdentity(name);
  const tls = { cert: identity.certificatePem, key: identity.keyPem };
  const server = createServer(tls, (message, response) => void handle(pipeline, message, response));
  // As Go's server: an idle connection stays for a while, and a watch is no slow request.
  server.keepAliveTimeout = 90_000;
  server.requestTimeout = 0;
  const port = await listening(server, options.port ?? 0);
  const url = `https://127.0.0.1:${port}`;
  const { caPem } = identity;
  const token = (user: string) => pipeline.credentials.tokenFor(user);
  return {
    url,
    caPem,
    token,
    kubeconfig: (user = 'system:admin') =>
      kubeconfigText({ name, url, caPem, user, credentials: { token: token(user) } }),
    requests: pipeline.requests,
    setAuthorize(authorize) {
      pipeline.authorize = authorize;
    },
    faults: pipeline.faults,
    compact: () => state.store.compact(),
    dropConnections: () => server.closeAllConnections(),
    stop: () => stopped(server),
  };
}

function addNamespaces({ store, catalog, clock }: ServerState): void {
  const { namespaces } = catalog;
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    store.collection(namespaces.collection).put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name,
        uid: crypto.randomUUID(),
        creationTimestamp: rfc3339(clock.now()),
        labels: { 'kubernetes.io/metadata.name': name },
      },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  }
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function stopped(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
