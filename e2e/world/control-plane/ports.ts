import { createServer } from 'node:net';
import { errorMessage } from '../../../shared/core/errors.ts';

/** A port is free when we ask, and may be another's when the server that we start takes it: then all is tried again. */
const attemptsMax = 3;

/** Free ports of loopback, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Runs `start` with free ports, and again with others when somebody was faster. */
export async function onFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      if (attempt === attemptsMax || !/address already in use/i.test(errorMessage(error))) throw error;
    }
  }
}

function listenAnywhere() {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
