import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Parts } from './packages.ts';

/** Runs kmod under one of its names (`depmod`, `modprobe`): what it does follows from how it is called. Throws when it fails. */
export async function callKmod(parts: Parts, name: string, arguments_: readonly string[]): Promise<void> {
  const child = spawn(parts.kmod.program, arguments_, {
    argv0: name,
    env: { LD_LIBRARY_PATH: parts.kmod.libraries },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`expected ${name} ${arguments_.join(' ')} to end with 0, got ${code}: ${said}`);
}
