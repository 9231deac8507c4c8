import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';

const lookAgainMs = 500;
/** Nobody builds for so long; the number of a process that is gone may be another's by then. */
const lockMsMax = 3_600_000;

/**
 * Runs `work` while this process alone holds the lock file. A lock of a process that is gone, and one of an
 * hour ago, count as none. (Two that see this at the same moment may both go on: what the lock saves is work,
 * correctness must not depend on it.)
 */
export async function withLock<T>(path: string, waiting: (holder: string) => void, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!take(path)) {
    const holder = holderOf(path);
    if (holder === undefined) {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) waiting(holder);
    told = true;
    await sleep(systemClock, lookAgainMs);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** Written first and then linked, so that whoever sees the lock also sees whose it is. */
function take(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own);
  }
}

/** Who holds the lock, undefined when it counts as none. */
function holderOf(path: string): string | undefined {
  try {
    const holder = readFileSync(path, 'utf8');
    const old = systemClock.now() - statSync(path).mtimeMs > lockMsMax;
    return lives(Number(holder)) && !old ? holder : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
