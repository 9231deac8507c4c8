/**
 * Two ways for a reconcile to fail on purpose; anything else thrown is *failed* (retried with back-off, logged).
 * - `WaitingError`: something else must happen first and will wake the key, or is looked at again after `retryMs`.
 * - `StalledError`: only a person can change it; retried rarely.
 * `reason` is CamelCase and the same in condition, event and metric (style rule 4).
 */
export class WaitingError extends Error {
  override name = 'WaitingError';
  readonly reason: string;
  readonly retryMs: number | undefined;
  constructor(reason: string, message: string, retryMs?: number) {
    super(message);
    this.reason = reason;
    this.retryMs = retryMs;
  }
}

export class StalledError extends Error {
  override name = 'StalledError';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The text of anything thrown; never a stack, never an object dump. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
