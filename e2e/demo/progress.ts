import type { Clock } from '../../shared/core/clock.ts';

/** Tells what happens, a line a step: live on a terminal, plain lines elsewhere. */
export interface Progress {
  /** Runs one step and tells how long it took. What it throws goes on, after a line that names the step. */
  step<T>(title: string, act: () => Promise<T>): Promise<T>;
  print(text: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;
const eraseLine = '\r\x1b[2K';

export function progressOn(output: NodeJS.WriteStream, clock: Clock): Progress {
  const print = (text: string) => void output.write(`${text}\n`);
  const seconds = (beganMs: number) => `${((clock.now() - beganMs) / 1000).toFixed(1)} s`;
  return {
    print,
    async step(title, act) {
      const beganMs = clock.now();
      const stop = output.isTTY ? spin(output, clock, () => `${title} … ${seconds(beganMs)}`) : () => undefined;
      try {
        const value = await act();
        stop();
        print(`ok    ${title} (${seconds(beganMs)})`);
        return value;
      } catch (error) {
        stop();
        print(`FAIL  ${title} (${seconds(beganMs)})`);
        throw error;
      }
    },
  };
}

function spin(output: NodeJS.WriteStream, clock: Clock, text: () => string): () => void {
  let frame = 0;
  let cancel: () => void = () => undefined;
  const draw = () => {
    output.write(`${eraseLine}${frames[frame++ % frames.length]}     ${text()}`);
    cancel = clock.after(frameMs, draw);
  };
  draw();
  return () => {
    cancel();
    output.write(eraseLine);
  };
}
