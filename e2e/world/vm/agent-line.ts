import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { sleep, systemClock } from '../../../shared/core/clock.ts';

const lookAgainMs = 20;

/** How a script in the machine ended. */
export interface ScriptEnd {
  code: number;
  output: string;
  errors: string;
}

/** The line to the agent (agent.sh says what goes over it). Scripts run side by side. */
export class AgentLine {
  /** Resolves with the kernel release that the agent says at first; rejects when the machine ends before. */
  readonly hello: Promise<string>;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, { resolve: (end: ScriptEnd) => void; reject: (error: Error) => void }>();
  #greet: (release: string) => void = () => undefined;
  #refuse: (error: Error) => void = () => undefined;
  #closed: Error | undefined;
  #scripts = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.hello = new Promise((resolve, reject) => {
      this.#greet = resolve;
      this.#refuse = reject;
    });
    // Whoever stops a machine that has not come up yet does not ask for its greeting.
    this.hello.catch(() => undefined);
    // What breaks the line is the machine's end, which `close` tells.
    createInterface({ input: socket })
      .on('line', (line) => this.#hear(line))
      .on('error', () => undefined);
  }

  /** Connects as soon as QEMU listens, which is a moment after its socket is there. Throws when `ended` resolves before. */
  static async open(path: string, ended: Promise<unknown>): Promise<AgentLine> {
    let over = false;
    void ended.then(() => (over = true));
    for (;;) {
      const socket = await connected(path);
      if (socket !== undefined) return new AgentLine(socket);
      if (over) throw new Error('expected QEMU to listen to its agent, but it ended');
      await sleep(systemClock, lookAgainMs);
    }
  }

  /** Starts a script; `id` is what the machine knows it by. */
  start(script: string): { id: string; ended: Promise<ScriptEnd> } {
    const id = String(++this.#scripts);
    const ended = new Promise<ScriptEnd>((resolve, reject) => {
      if (this.#closed) reject(this.#closed);
      else this.#waiting.set(id, { resolve, reject });
    });
    this.#socket.write(`${id} :${Buffer.from(script).toString('base64')}\n`);
    return { id, ended };
  }

  /** The machine is gone: everything that waits for it fails. */
  close(error: Error): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#refuse(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#socket.destroy();
  }

  #hear(line: string): void {
    const [id = '', code = '', output = '', errors = ''] = line.split(' ');
    if (id === 'hello') this.#greet(code);
    this.#waiting.get(id)?.resolve({ code: Number(code), output: decoded(output), errors: decoded(errors) });
    this.#waiting.delete(id);
  }
}

/** Undefined: nobody listens there. */
async function connected(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw error;
  }
}

function decoded(word: string): string {
  return Buffer.from(word.replace(/^:/, ''), 'base64').toString();
}
