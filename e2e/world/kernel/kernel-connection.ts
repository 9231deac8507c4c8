import { once } from 'node:events';
import { connect } from 'node:net';
import type { Errno } from './module-table.ts';
import type { KernelAnswer, KernelRequest, KernelState } from './protocol.ts';

/** The system calls of a modprobe, one at a time. */
export interface KernelConnection {
  state(): Promise<KernelState>;
  /** `path` is where the file lies on this machine. */
  insert(path: string, parameters: string): Promise<Errno | undefined>;
  remove(name: string): Promise<Errno | undefined>;
  close(): void;
}

export async function connectKernel(socketPath: string): Promise<KernelConnection> {
  const socket = connect(socketPath);
  await once(socket, 'connect');
  const ask = async (request: KernelRequest): Promise<KernelAnswer> => {
    socket.write(`${JSON.stringify(request)}\n`);
    let text = '';
    while (!text.endsWith('\n')) text += String(((await once(socket, 'data')) as [Buffer])[0]);
    const answer = JSON.parse(text) as KernelAnswer & { error?: string };
    if (answer.error !== undefined) throw new Error(`the modelled kernel failed: ${answer.error}`);
    return answer;
  };
  return {
    async state() {
      const { state } = await ask({ call: 'state' });
      if (state === undefined) throw new Error('expected a state from the modelled kernel, got none');
      return state;
    },
    insert: async (path, parameters) => (await ask({ call: 'insert', path, parameters })).errno,
    remove: async (name) => (await ask({ call: 'remove', name })).errno,
    close: () => socket.destroy(),
  };
}
