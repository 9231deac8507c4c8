/** Progress of what takes longer than somebody likes to look at nothing. */
export function say(line: string): void {
  process.stderr.write(`debian: ${line}\n`);
}
