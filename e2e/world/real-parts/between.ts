import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A listener that passes on every byte to `host`, and remembers what clients said: the proof of what was sent. */
export async function startTap(host: string): Promise<{ host: string; said(): string; stop(): Promise<void> }> {
  const target = Number(host.split(':')[1]);
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // One side that goes away takes the other with it; nothing else is wrong.
      socket.on('error', () => socket.destroy());
    }
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    said: () => Buffer.concat(chunks).toString('latin1'),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A proxy that takes no larger request than so many bytes, as some stand before registries. It speaks plain HTTP to `host`. */
export async function startNarrowProxy(
  host: string,
  requestBytesMax: number,
): Promise<{ host: string; requests: readonly string[]; stop(): Promise<void> }> {
  const requests: string[] = [];
  const server = createHttpServer((message, response) => {
    const { method = 'GET', url: path = '/', headers } = message;
    const tooLarge = Number(headers['content-length'] ?? 0) > requestBytesMax;
    requests.push(`${method}${tooLarge ? ' too large' : ''}`);
    if (tooLarge) {
      message.resume();
      message.on('end', () => response.writeHead(413).end());
      return;
    }
    // The name by which it was called goes along: the registry puts it into the locations that it answers.
    const upstream = httpRequest({ host: '127.0.0.1', port: Number(host.split(':')[1]), method, path, headers });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    message.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
