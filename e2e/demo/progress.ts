import type { Clock } from '../../shared/core/clock.ts';

/** Tells what happens, a line a step; on a terminal with a table that lives below the step, elsewhere with plain lines. */
export interface Progress {
  /** Runs one step and tells how long it took. What it throws goes on, after a line that names the step. */
  step<T>(title: string, act: () => Promise<T>): Promise<T>;
  print(text: string): void;
  /** From now on these lines are shown below each running step, and once after it. */
  show(lines: () => Promise<readonly string[]>): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;
/** Frames from one look at the lines to the next: they are read from API servers. */
const framesPerLook = 6;
const eraseLine = '\x1b[2K';

export function progressOn(output: NodeJS.WriteStream, clock: Clock): Progress {
  let lines: () => Promise<readonly string[]> = () => Promise.resolve([]);
  const print = (text: string) => void output.write(`${text}\n`);
  const seconds = (beganMs: number) => `${((clock.now() - beganMs) / 1000).toFixed(1)} s`;
  return {
    print,
    show(next) {
      lines = next;
    },
    async step(title, act) {
      const beganMs = clock.now();
      const head = () => `      ${title} … ${seconds(beganMs)}`;
      const stop = output.isTTY ? animate({ output, clock, head, lines }) : () => undefined;
      try {
        const value = await act();
        stop();
        print(`ok    ${title} (${seconds(beganMs)})`);
        const shown = await lines();
        if (shown.length > 0) print(`\n${shown.join('\n')}\n`);
        return value;
      } catch (error) {
        stop();
        print(`FAIL  ${title} (${seconds(beganMs)})`);
        throw error;
      }
    },
  };
}

/** Draws the step's line and the lines below it, over and over in the same place; the returned function takes them away. */
function animate(what: {
  output: NodeJS.WriteStream;
  clock: Clock;
  head: () => string;
  lines: () => Promise<readonly string[]>;
}): () => void {
  const { output, clock, head, lines } = what;
  let below: readonly string[] = [];
  let drawn = 0;
  let frame = 0;
  let cancel: () => void = () => undefined;
  const erase = () => {
    output.write(`\r${eraseLine}${`\x1b[1A${eraseLine}`.repeat(Math.max(0, drawn - 1))}`);
    drawn = 0;
  };
  const look = () =>
    void lines().then(
      (seen) => {
        below = seen;
      },
      (error: unknown) => {
        below = [`      ${String(error)}`];
      },
    );
  const draw = () => {
    if (frame % framesPerLook === 0) look();
    erase();
    const shown = [`${frames[frame++ % frames.length]}${head().slice(1)}`, ...below].slice(0, output.rows - 1);
    output.write(shown.map((line) => line.slice(0, output.columns - 1)).join('\n'));
    drawn = shown.length;
    cancel = clock.after(frameMs, draw);
  };
  draw();
  return () => {
    cancel();
    erase();
  };
}
