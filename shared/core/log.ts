/** Structured log: constant text plus fields (style rule 23); never a secret. pino fits as it is (`shared/process/log.ts`). */
export interface Log {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
  /** A log that adds `fields` to each line. */
  child(fields: object): Log;
}

/** Says nothing: for tests, and for callers that report otherwise. */
export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLog,
};
