import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorMessage } from '../../../shared/core/errors.ts';

export interface SocketServer {
  stop(): Promise<void>;
}

/** Answers each JSON line on the Unix socket `path` with one JSON line, in order of each connection; a thrown error as `{ error }`. */
export async function serveSocket<Request, Answer>(
  path: string,
  answer: (request: Request) => Promise<Answer>,
): Promise<SocketServer> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => socket.destroy()); // a modprobe that was killed: there is nobody to tell
    void serve(socket, answer);
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    async stop() {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve<Request, Answer>(socket: Socket, answer: (request: Request) => Promise<Answer>): Promise<void> {
  for await (const line of createInterface({ input: socket })) {
    const reply = await answer(JSON.parse(line)).catch((error: unknown) => ({ error: errorMessage(error) }));
    socket.write(`${JSON.stringify(reply)}\n`);
  }
}
