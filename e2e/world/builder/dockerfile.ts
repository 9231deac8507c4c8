/** One instruction, continuation lines joined and comments left out. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Throws for a line that is no instruction. */
export function readDockerfile(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line));
  const joined = lines.join('\n').replaceAll(/\\[ \t]*\n/g, ' ');
  return joined.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    const [, name, rest] = /^\s*([A-Za-z]+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (name === undefined || rest === undefined)
      throw new Error(`Unknown instruction: ${JSON.stringify(line.trim())}`);
    return [{ name: name.toUpperCase(), text: rest }];
  });
}

/** `$NAME` and `${NAME}`, also `${NAME:-word}`; an unknown name is empty. */
export function withArguments(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(
    /\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::-([^}]*))?\})/g,
    (_, bare: string | undefined, braced: string | undefined, word: string | undefined) =>
      values.get(bare ?? braced ?? '') || (word ?? ''),
  );
}
