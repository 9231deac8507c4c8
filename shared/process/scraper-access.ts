import type { Clock } from '../core/clock.ts';
import { errorMessage } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Log } from '../core/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { subjectAccessReviews, tokenReviews } from '../kube/resources.ts';
import type { Page } from './http.ts';

/** How long an answer of the API server holds: a right that is taken away, or a new one, is seen so much later. */
const allowedMs = 60_000;
const refusedMs = 10_000;
/** Different tokens that are remembered. Scrapers are few; who tries many is asked about anew. */
const tokensMax = 64;
/** Tokens that are being asked about; more would be an attack on the API server through us. */
const pendingMax = 16;

interface Remembered {
  verdict: Promise<Page | undefined>;
  /** Undefined while the API server is asked. */
  untilMs: number | undefined;
}

/**
 * Who may read the metrics page (checklist 140): whoever's bearer token the API server knows (TokenReview) and has the
 * right to `get` the URL `/metrics` (SubjectAccessReview). Nobody gets in while the API server cannot be asked.
 * Cost: two requests a minute for each scraper.
 */
export class ScraperAccess {
  #client: KubeClient;
  #clock: Clock;
  #log: Log;
  /** By hash: a dump of our memory shows no token that can be used. The oldest first. */
  #known = new Map<string, Remembered>();
  #pending = 0;
  #told = '';

  constructor({ client, clock, log }: { client: KubeClient; clock: Clock; log: Log }) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  /** Undefined: may read. Else what is answered. Never throws. */
  async refusal(authorization: string | undefined): Promise<Page | undefined> {
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return unauthorized;
    const key = sha256Hex(token, 64);
    const known = this.#known.get(key);
    if (known !== undefined && (known.untilMs ?? Number.POSITIVE_INFINITY) > this.#clock.passed()) return known.verdict;
    if (this.#pending >= pendingMax) return unavailable;
    const verdict = this.#ask(token);
    const remembered: Remembered = { verdict, untilMs: undefined };
    this.#remember(key, remembered);
    const answer = await verdict;
    // An answer that could not be had is not kept: the next one asks again.
    const holdsMs = answer === undefined ? allowedMs : answer === unavailable ? 0 : refusedMs;
    remembered.untilMs = this.#clock.passed() + holdsMs;
    return answer;
  }

  #remember(key: string, remembered: Remembered): void {
    this.#known.delete(key);
    this.#known.set(key, remembered);
    const [oldest] = this.#known.keys();
    if (this.#known.size > tokensMax && oldest !== undefined) this.#known.delete(oldest);
  }

  async #ask(token: string): Promise<Page | undefined> {
    this.#pending += 1;
    try {
      const verdict = await this.#review(token);
      this.#told = '';
      return verdict;
    } catch (error) {
      const message = errorMessage(error);
      if (message !== this.#told) this.#log.error({ message }, 'cannot ask the API server who may read the metrics');
      this.#told = message;
      return unavailable;
    } finally {
      this.#pending -= 1;
    }
  }

  async #review(token: string): Promise<Page | undefined> {
    const { status } = await this.#client.create(tokenReviews, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      metadata: { name: '' },
      spec: { token },
    });
    const user = status?.user;
    if (status?.authenticated !== true || !user?.username) return unauthorized;
    const { username, uid, groups, extra } = user;
    const review = await this.#client.create(subjectAccessReviews, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      metadata: { name: '' },
      spec: {
        user: username,
        ...(uid && { uid }),
        ...(groups && { groups }),
        ...(extra && { extra }),
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      },
    });
    return review.status?.allowed === true && review.status.denied !== true ? undefined : forbidden;
  }
}

const unauthorized: Page = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer' },
  body: 'expected a bearer token that this cluster knows',
};
const forbidden: Page = { status: 403, body: 'expected the right to get the non-resource URL /metrics' };
const unavailable: Page = { status: 503, body: 'cannot ask the API server who may read this; try again' };
