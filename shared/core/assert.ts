/** A broken invariant: a programmer's error, never an operating one. Checked in production too. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

/** Throws `AssertionError` unless `condition` holds. `message` says which invariant, with the values seen. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** The end of an exhaustive switch: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  // Cut: the value may be a whole object of the API.
  throw new AssertionError(`unexpected variant ${String(JSON.stringify(value)).slice(0, 200)}`);
}
