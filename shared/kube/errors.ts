/**
 * An answer that is no success (`status` 300-599, `reason` as in metav1.Status) or a connection that failed (`status` 0,
 * `reason` `ConnectionFailed`). The message is the server's own.
 */
export class KubeError extends Error {
  override name = 'KubeError';
  readonly status: number;
  readonly reason: string;
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export function isNotFound(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 404;
}

/** The object changed meanwhile, or exists already: look again. */
export function isConflict(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 409;
}

/** The server has answered that it did not do it; a connection that failed and a server in trouble leave that open. */
export function isRefusal(error: unknown): error is KubeError {
  if (!(error instanceof KubeError)) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 408;
}

/** The resourceVersion is too old for a watch or a page: list again. */
export function isGone(error: unknown): error is KubeError {
  return error instanceof KubeError && error.status === 410;
}
