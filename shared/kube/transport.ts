import PQueue from 'p-queue';
import type { Dispatcher } from 'undici';
import { assert } from '../core/assert.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { jsonText } from '../core/hash.ts';
import { connectionFailure, isGood, refusal } from './answer.ts';
import { beginningOf, eventFrom, listFrom, namesFrom, parsedBody, passOver, withKind } from './body.ts';
import type { KubeClient, List, ListOptions, WatchEvent, WatchOptions, WriteOptions } from './client.ts';
import { type Credentials, credentials } from './credentials.ts';
import { dispatcher, secureContextOf } from './dispatcher.ts';
import { KubeError } from './errors.ts';
import { type ClusterAccess, type KubeconfigSource, loadKubeconfig } from './kubeconfig.ts';
import { lines } from './lines.ts';
import { metadataEvent, metadataOf, metadataTypes } from './metadata-only.ts';
import type { KubeObject, Resource } from './object.ts';
import { collectionPath, objectPath, versionPath, withQuery } from './paths.ts';
import { type Counter, type Meters, silentMeters } from './runtime.ts';

export interface KubeClientOptions {
  kubeconfig: KubeconfigSource;
  /** Reads under way at once, and as many writes; more wait. Default 20. Watches are not counted. */
  concurrency?: number;
  /** `<program>/<version>`, as servers log it. */
  userAgent?: string;
  /** Real time, whatever the clock: the network does not run faster in a scaled world. Default 30 s. */
  requestTimeoutMs?: number;
  clock?: Clock;
  meters?: Meters;
  /**
   * Asked right before each write is sent; one that may not be fails. A process that stood still (SIGSTOP, a frozen VM)
   * goes on where it was, before any timer could tell it that its lease is over.
   */
  mayWrite?: () => boolean;
}

export const transportLimits = {
  concurrency: 20,
  requestTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  /** Watches of one client: one a kind, and some for tests. */
  watchConnections: 64,
  /** A page of objects; a server that sends more is broken. */
  answerBytesMax: 256 * 1024 * 1024,
  /** etcd holds at most 1.5 MB an object. */
  watchLineCharsMax: 16 * 1024 * 1024,
} as const;

/** A client of the cluster that `kubeconfig` names. Throws `KubeconfigError`; connects with the first call only. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  return new HttpKubeClient(loadKubeconfig(options.kubeconfig), options);
}

const anyJson = 'application/json';

/** The API's word for what is done, as in rules of RBAC. */
type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

interface Call {
  verb: Verb;
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Discovery has none. */
  resource: Pick<Resource<KubeObject>, 'plural'>;
  path: string;
  accept?: string;
  body?: unknown;
  contentType?: string;
  answer?: WriteOptions['answer'];
  signal?: AbortSignal | undefined;
}

class HttpKubeClient implements KubeClient {
  #server: string;
  #basePath: string;
  #options: KubeClientOptions;
  #credentials: Credentials;
  #clock: Clock;
  /** Watches hold their connections: in one pool with the calls they would starve them. */
  #calls: Dispatcher;
  #watches: Dispatcher;
  #reads: PQueue;
  #writes: PQueue;
  #requests: Counter;

  constructor(access: ClusterAccess, options: KubeClientOptions) {
    const url = new URL(access.server);
    this.#server = url.origin;
    this.#basePath = url.pathname.replace(/\/$/, '');
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#credentials = credentials(access.credentials, this.#clock);
    const concurrency = options.concurrency ?? transportLimits.concurrency;
    const { answerBytesMax, connectTimeoutMs, watchConnections } = transportLimits;
    const context = secureContextOf(access);
    const calls = { connections: 2 * concurrency, maxResponseSize: answerBytesMax, connectTimeoutMs };
    this.#calls = dispatcher(access, context, calls);
    const watches = { connections: watchConnections, maxResponseSize: -1, connectTimeoutMs };
    this.#watches = dispatcher(access, context, watches);
    this.#reads = new PQueue({ concurrency });
    this.#writes = new PQueue({ concurrency });
    this.#requests = (options.meters ?? silentMeters).counter({
      name: 'kmm_api_requests_total',
      help: 'Requests to the Kubernetes API by verb, resource and status (0: no answer)',
      labels: ['verb', 'resource', 'status'],
    });
  }

  get<T extends KubeObject>(resource: Resource<T>, at: { namespace?: string | undefined; name: string }) {
    return this.#found<T>(resource, objectPath(resource, at));
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const { namespace, signal, metadataOnly, ...query } = options;
    const path = withQuery(collectionPath(resource, namespace), query);
    const accept = metadataOnly ? metadataTypes.list : anyJson;
    const answer = await this.#call<unknown>({ verb: 'list', method: 'GET', resource, path, accept, signal });
    const { metadata, items } = listFrom<T>(answer);
    const named = metadataOnly ? metadataOf<T> : withKind<T>;
    return { metadata, items: items.map((item) => named(resource, item)) };
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, metadataOnly, ...query } = options;
    const parameters = { ...query, watch: true, allowWatchBookmarks: true };
    const path = withQuery(collectionPath(resource, namespace), parameters);
    const accept = metadataOnly ? metadataTypes.watch : anyJson;
    try {
      const answer = await this.#send({ verb: 'watch', method: 'GET', resource, path, accept, signal }, this.#watches);
      for await (const line of lines(answer.body, transportLimits.watchLineCharsMax)) {
        const event = eventFrom<T>(line);
        yield metadataOnly ? metadataEvent(resource, event) : event;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw connectionFailure(error, this.#server);
    }
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, { answer }: WriteOptions = {}): Promise<T> {
    const { name, namespace } = object.metadata;
    assert(!resource.namespaced || namespace, `${resource.kind} ${name} needs a namespace`);
    const path = collectionPath(resource, namespace);
    return this.#call({ verb: 'create', method: 'POST', resource, path, body: object, answer });
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { subresource, answer } = options;
    const path = objectPath(resource, object.metadata, subresource);
    return this.#call({ verb: 'update', method: 'PUT', resource, path, body: object, answer });
  }

  patch: KubeClient['patch'] = (resource, at, patch, options = {}) => {
    const path = objectPath(resource, at, options.subresource);
    const contentType = patch.type === 'json' ? 'application/json-patch+json' : 'application/merge-patch+json';
    const body = patch.type === 'json' ? patch.operations : patch.body;
    return this.#call({ verb: 'patch', method: 'PATCH', resource, path, body, contentType });
  };

  delete: KubeClient['delete'] = async (resource, at, options = {}) => {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
    try {
      await this.#call({ verb: 'delete', method: 'DELETE', resource, path: objectPath(resource, at), body });
    } catch (error) {
      if (!(error instanceof KubeError && error.status === 404)) throw error;
    }
  };

  async served(group: string, version: string): Promise<readonly string[]> {
    return namesFrom(await this.#found({ plural: '' }, versionPath({ group, version })));
  }

  async close(): Promise<void> {
    await Promise.all([this.#calls.destroy(), this.#watches.destroy()]);
  }

  async #found<T>(resource: Call['resource'], path: string): Promise<T | undefined> {
    try {
      return await this.#call<T>({ verb: 'get', method: 'GET', resource, path });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  #call<T>(call: Call): Promise<T> {
    const queue = call.method === 'GET' ? this.#reads : this.#writes;
    return queue.add(async () => {
      try {
        const answer = await this.#send(call, this.#calls);
        if (call.answer === undefined) return parsedBody(await answer.body.text()) as T;
        await passOver(answer);
        return call.body as T;
      } catch (error) {
        throw connectionFailure(error, this.#server);
      }
    });
  }

  /** One answer of 2xx. Credentials that the server refuses are renewed once: a token may have been rotated. */
  async #send(call: Call, through: Dispatcher): Promise<Dispatcher.ResponseData> {
    const answer = await this.#request(call, through);
    if (isGood(answer)) return answer;
    const body = await beginningOf(answer.body);
    if (answer.statusCode === 401 && this.#credentials.refused()) {
      const second = await this.#request(call, through);
      if (isGood(second)) return second;
      throw this.#refusal(second, await beginningOf(second.body));
    }
    throw this.#refusal(answer, body);
  }

  async #request(call: Call, through: Dispatcher): Promise<Dispatcher.ResponseData> {
    const { verb, method, resource, accept = anyJson, contentType = anyJson, signal } = call;
    const authorization = await this.#credentials.authorization();
    const timeoutMs = this.#options.requestTimeoutMs ?? transportLimits.requestTimeoutMs;
    if (method !== 'GET' && this.#options.mayWrite?.() === false) {
      throw new KubeError(0, 'NotLeading', `${method} ${call.path} was not sent: another may lead now`);
    }
    try {
      const answer = await through.request({
        origin: this.#server,
        path: this.#basePath + call.path,
        method,
        headers: {
          accept,
          'user-agent': this.#options.userAgent ?? 'kmm-hub',
          ...(authorization !== undefined && { authorization }),
          ...(call.body !== undefined && { 'content-type': contentType }),
        },
        ...(call.body !== undefined && { body: jsonText(call.body) }),
        ...(signal !== undefined && { signal }),
        headersTimeout: timeoutMs,
        // A watch is silent for minutes; its driver bounds the silence.
        bodyTimeout: through === this.#watches ? 0 : timeoutMs,
      });
      this.#requests.add({ verb, resource: resource.plural, status: String(answer.statusCode) });
      return answer;
    } catch (error) {
      this.#requests.add({ verb, resource: resource.plural, status: '0' });
      throw error;
    }
  }

  #refusal(answer: Dispatcher.ResponseData, body: string): KubeError {
    const header = answer.headers['retry-after'];
    const retryAfter = Array.isArray(header) ? header[0] : header;
    return refusal({ status: answer.statusCode, body, retryAfter, nowMs: this.#clock.now() });
  }
}
