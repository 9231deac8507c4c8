/** The command cannot be done as it was given: exit code 2. The message says expected, got, what to do. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** As `usage.ts` tells them. */
export const exitCodes = { fine: 0, notWell: 1, usage: 2, notAsked: 3, interrupted: 130 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
