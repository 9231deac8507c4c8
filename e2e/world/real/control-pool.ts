import { systemClock } from '../../../shared/core/clock.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../control-plane/control-plane.ts';
import { type Etcd, startEtcd } from '../control-plane/etcd.ts';
import { AuditLog, auditPolicy } from './audit-log.ts';
import { type Baseline, baselineOf, restore } from './baseline.ts';

/** The kubelets of a fast world tell of themselves each second. */
const timing = { nodeGraceSeconds: 20 } as const;

export interface ControlWish extends Pick<ControlPlaneOptions, 'name' | 'version' | 'prepare'> {
  /** Control planes of one kind are prepared alike. */
  readonly kind: string;
  /** For the next who wishes one of this kind. */
  readonly keep: boolean;
}

export interface Lent {
  readonly control: ControlPlane;
  readonly etcdUrl: string;
  /** `changed`: what was there at first is no longer as it was; nobody else gets it then. */
  giveBack(options?: { changed?: boolean }): Promise<void>;
}

interface Kept {
  readonly kind: string;
  readonly control: ControlPlane;
  readonly etcdUrl: string;
  readonly baseline: Baseline;
}

/**
 * Control planes of this process that nobody uses now, and the one etcd below all. To start one costs some seconds of processor time,
 * and a test file needs two or three: so the next file gets those of the last, with everything removed that was not
 * there at first. They end with the process (`lifeline.sh`).
 */
const idle: Kept[] = [];
let etcd: Promise<Etcd> | undefined;
let started = 0;

/** A control plane that is as new. */
export async function borrowControl(wish: ControlWish): Promise<Lent> {
  const index = idle.findIndex(({ kind }) => kind === wish.kind);
  const [kept = await start(wish)] = index < 0 ? [] : idle.splice(index, 1);
  const { control, etcdUrl, baseline } = kept;
  const log = new AuditLog(control.auditLogPath);
  control.resume();
  for (const process of control.processes) process.assertRuns();
  return {
    control,
    etcdUrl,
    async giveBack({ changed = false } = {}) {
      if (wish.keep && !changed && (await restore(control.adminKubeconfig, { baseline, log }, systemClock))) {
        control.pause();
        idle.push(kept);
      } else await control.stop();
    },
  };
}

async function start({ kind, keep: _, name, ...options }: ControlWish): Promise<Kept> {
  etcd ??= startEtcd().catch((error: unknown) => {
    etcd = undefined;
    throw error;
  });
  const below = await etcd;
  started += 1;
  const control = await startControlPlane({
    ...options,
    name: `${name}-${started}`,
    etcd: below,
    schedulerAndControllers: true,
    auditPolicy,
    timing,
  });
  return { kind, control, etcdUrl: below.url, baseline: await baselineOf(control.adminKubeconfig) };
}
