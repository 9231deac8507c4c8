import { hostname } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import type { DestinationStream } from 'pino';

/** What a program gets from the process that it runs in; tests pass their own. */
export interface ProgramHost {
  /** After the program's file. */
  arguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** A pod's name, in a pod. */
  hostname: string;
  /** One line for a person, on standard error. */
  say(line: string): void;
  /** Calls `listener` with the name of the signal that asks to end; returns how to stop listening. */
  onTermination(listener: (signal: string) => void): () => void;
  /** Keeps the process from ending for want of work (our timers do not); returns how to let it go. */
  keepAlive(): () => void;
  logDestination?: DestinationStream;
}

const terminationSignals = ['SIGTERM', 'SIGINT'] as const;

export function processHost(): ProgramHost {
  return {
    arguments: process.argv.slice(2),
    environment: process.env,
    hostname: hostname(),
    say: (line) => void process.stderr.write(`${line}\n`),
    onTermination(listener) {
      for (const signal of terminationSignals) process.on(signal, listener);
      return () => {
        for (const signal of terminationSignals) process.off(signal, listener);
      };
    },
    keepAlive() {
      const { port1 } = new MessageChannel();
      port1.ref();
      return () => port1.close();
    },
  };
}
