import type { Clock } from '../core/clock.ts';
import { RegistryFailure, type RegistryReason } from './failure.ts';
import { HostQueue } from './host-queue.ts';
import { HttpTransport, type RequestListener } from './http.ts';
import type { Platform } from './image-manifest.ts';
import { manifestDigest } from './manifest.ts';
import { type Image, pullImage } from './pull.ts';
import { apiHost, formatReference, type Reference } from './reference.ts';
import { type Credential, type RegistryTls, RepositorySession, type SessionScope } from './session.ts';
import { tryUpload } from './upload.ts';

export interface ImageTarget {
  reference: Reference;
  tls: RegistryTls;
  /** Tried in this order while the registry refuses; none: anonymous. */
  credentials?: readonly Credential[];
  /** Its abort ends all requests about the image, and the bodies that are being read. */
  signal?: AbortSignal;
}

/** What a registry says of an image; `unknown` is neither yes nor no and never a reason to build (contract 8). */
export type Existence =
  | { kind: 'found'; digest: string }
  | { kind: 'missing'; message: string }
  | { kind: 'unknown'; reason: RegistryReason; message: string; retryAfterMs?: number | undefined };

type Question<T> = (session: RepositorySession) => Promise<T>;

const credentialsMax = 4;
const concurrencyDefault = 8;
const timeoutMsDefault = 30_000;

/** The one way to registries: bounded concurrency, time limits, and the credentials' rules of contract 8. */
export class RegistryClient {
  readonly #transport: HttpTransport;
  readonly #queue: HostQueue;

  /** `extraCa`: PEM certificates that are trusted beside the system's. */
  constructor(options: {
    clock: Clock;
    extraCa?: string | undefined;
    concurrency?: number;
    timeoutMs?: number;
    onRequest?: RequestListener;
  }) {
    const { clock, extraCa, onRequest, timeoutMs = timeoutMsDefault } = options;
    this.#transport = new HttpTransport({ clock, extraCa, timeoutMs, onRequest });
    this.#queue = new HostQueue(options.concurrency ?? concurrencyDefault);
  }

  /** Whether the image is there, and the digest of its top-level manifest or index. Never throws an operating error. */
  async exists(target: ImageTarget): Promise<Existence> {
    try {
      const digest = await this.#ask(target, (session) => manifestDigest(session, target.reference));
      if (digest !== undefined) return { kind: 'found', digest };
      return { kind: 'missing', message: `${formatReference(target.reference)} is not in the registry` };
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      return { kind: 'unknown', reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs };
    }
  }

  /** Whether the repository takes pushes with these credentials; false also when that is not known. */
  async takesPushes(target: ImageTarget): Promise<boolean> {
    try {
      await this.#ask(target, tryUpload, { push: true });
      return true;
    } catch (error) {
      if (!(error instanceof RegistryFailure)) throw error;
      return false;
    }
  }

  /** The image for a platform, every part held to its digest; undefined when it is missing. Throws `RegistryFailure`. */
  pull(target: ImageTarget, platform: Platform): Promise<Image | undefined> {
    return this.#ask(target, (session) => pullImage(session, target.reference, platform));
  }

  /**
   * Requests about one repository, in one place of the queue: `use` is called again with the next credential while it throws
   * `AccessDenied`. What comes of it may keep the session: its login goes on to hold.
   */
  within<T>(target: ImageTarget, scope: SessionScope, use: (session: RepositorySession) => Promise<T>): Promise<T> {
    return this.#ask(target, use, scope);
  }

  /** Closes the connections; questions under way fail. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  #ask<T>(target: ImageTarget, question: Question<T>, scope: SessionScope = {}): Promise<T> {
    const credentials = target.credentials?.slice(0, credentialsMax) ?? [];
    const ask = () => this.#askWith({ ...target, scope }, credentials, question);
    return this.#queue.add(apiHost(target.reference), ask);
  }

  async #askWith<T>(
    target: ImageTarget & { scope: SessionScope },
    credentials: readonly Credential[],
    question: Question<T>,
  ): Promise<T> {
    const [credential, ...others] = credentials;
    const session = new RepositorySession(this.#transport, { ...target, credential });
    try {
      return await question(session);
    } catch (error) {
      if (!(error instanceof RegistryFailure) || error.reason !== 'AccessDenied') throw error;
      if (others.length > 0) return this.#askWith(target, others, question);
      throw session.withheld ? withholding(error) : error;
    }
  }
}

function withholding(error: RegistryFailure): RegistryFailure {
  const why = 'the credential was kept back because the connection is not verified and its Secret does not allow that';
  return new RegistryFailure('AccessDenied', `${error.message}; ${why}`);
}
