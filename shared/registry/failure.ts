/** Why a registry gave no answer to the question; the same word in condition, event and metric. */
export type RegistryReason =
  | 'AccessDenied'
  | 'RegistryUnavailable'
  | 'TooManyRequests'
  | 'CertificateRefused'
  | 'UnexpectedAnswer';

/** A registry that cannot be reached, refuses, or answers what no registry should. Never says that an image is missing. */
export class RegistryFailure extends Error {
  override name = 'RegistryFailure';
  readonly reason: RegistryReason;
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(reason: RegistryReason, message: string, retryAfterMs?: number) {
    super(message);
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
