import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../shared/core/clock.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** What the node puts around every container so that its programs work without chroot, root or a kernel of their own. */
export interface StandIns {
  /** Folder in front of PATH. */
  readonly programs: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Writes stand-ins of `sleep` and `date`, `timeFactor` times as fast as the machine's, and says how programs find the kernel. */
export async function writeStandIns(folder: string, kernel: Kernel, timeFactor: number): Promise<StandIns> {
  const programs = `${folder}/programs`;
  await mkdir(programs, { recursive: true });
  const nowSeconds = Math.floor(systemClock.now() / 1000);
  const scripts = { sleep: sleepScript(timeFactor), date: dateScript(timeFactor, nowSeconds) };
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(`${programs}/${name}`, text);
    await chmod(`${programs}/${name}`, 0o755);
  }
  return {
    programs,
    environment: {
      KMM_WORLD_KERNEL: kernel.socketPath,
      KMM_WORLD_NODE: process.execPath,
      KMM_WORLD_MODPROBE: fileURLToPath(new URL('../kernel/modprobe.ts', import.meta.url)),
      KMM_WORLD_SOURCES: fileURLToPath(new URL('../../..', import.meta.url)),
    },
  };
}

/**
 * PATH that finds the stand-ins first, then the image's programs, then this machine's. The folders stand in it as the
 * container names them too, for scripts that look below ROOT themselves.
 */
export function pathFor(standIns: StandIns, rootfs: string, containerPath: string): string {
  const ofImage = containerPath.split(':').map((folder) => rootfs + folder);
  return [standIns.programs, ...ofImage, containerPath, '/usr/sbin:/usr/bin:/sbin:/bin'].join(':');
}

/** Seconds with up to three decimals, in whole numbers: a POSIX shell has no others. */
export function sleepScript(timeFactor: number): string {
  return `#!/bin/sh
[ "$1" = infinity ] && set -- 1000000000
whole=\${1%%[!0-9]*}
case $1 in *.*) part=\${1#*.}000 ;; *) part=000 ;; esac
part=\${part%\${part#???}}
ms=$(( (\${whole:-0} * 1000 + 1$part - 1000) * 1000 / ${Math.round(timeFactor * 1000)} ))
for place in /bin/sleep /usr/bin/sleep; do
  [ -x "$place" ] && exec "$place" "$(( ms / 1000 )).$(printf %03d "$(( ms % 1000 ))")"
done
exit 127
`;
}

/** Seconds since the epoch (`+%s`) run faster from `baseSeconds` on, those of a file (`-r`) alike: ages are of the world. */
export function dateScript(timeFactor: number, baseSeconds: number): string {
  return `#!/bin/sh
for place in /bin/date /usr/bin/date; do [ -x "$place" ] && break; done
case "$*" in *+%s) ;; *) exec "$place" "$@" ;; esac
seconds=$("$place" "$@") || exit
echo $(( ${baseSeconds} + (seconds - ${baseSeconds}) * ${Math.round(timeFactor * 1000)} / 1000 ))
`;
}
