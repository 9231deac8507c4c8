import type { Verb } from '../http/request.ts';

/** What goes wrong with a request, or with a watch that is open. */
export type Fault =
  /** The connection breaks: before the request is performed or, when `performed`, after it, so that only the answer is lost. */
  | { readonly type: 'drop'; readonly performed?: boolean }
  /** The request is performed so much later, by the server's clock; when `performed`, only its answer comes later. */
  | { readonly type: 'delay'; readonly delayMs: number; readonly performed?: boolean }
  /**
   * The request is accepted and never answered; an open watch goes silent, bookmarks included. The end of the rule
   * resets those connections, unless they are `forgotten`: dead for good, as behind a router that lost its table.
   */
  | { readonly type: 'half-open'; readonly forgotten?: boolean }
  /** What a watch says is held back, in order, until the rule ends: the events of other kinds overtake it. */
  | { readonly type: 'hold-events' }
  /** A refusal as Kubernetes words it; an open watch breaks, at 410 with an ERROR event. */
  | { readonly type: 'refuse'; readonly code: RefusalCode; readonly retryAfterSeconds?: number };

export type RefusalCode = 409 | 410 | 429 | 500;

/**
 * Which requests a fault meets: those that equal every member that is given, and the watches that are open when the
 * rule is added. Of several rules that match, the one that was added first.
 */
export interface FaultRule {
  readonly fault: Fault;
  readonly user?: string;
  readonly verbs?: readonly Verb[];
  /** `pods`, `modules/status`. */
  readonly resources?: readonly string[];
  /** Only the later pages of lists. */
  readonly continued?: boolean;
  /** Only each so-many-th request that matches. */
  readonly every?: number;
  /** So many requests, then no more; without, until the rule is removed. */
  readonly count?: number;
}

/** What a rule sees of a request. */
export interface Subject {
  readonly user: string;
  readonly verb: string;
  readonly resource: string;
  readonly continued: boolean;
}

/** Whether the request is one that the rule speaks of; `every` and `count` are not looked at. */
export function concerns(rule: FaultRule, subject: Subject): boolean {
  return (
    (rule.user === undefined || rule.user === subject.user) &&
    (rule.verbs === undefined || rule.verbs.some((verb) => verb === subject.verb)) &&
    (rule.resources === undefined || rule.resources.includes(subject.resource)) &&
    (rule.continued === undefined || rule.continued === subject.continued)
  );
}
