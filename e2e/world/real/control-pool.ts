import { systemClock } from '../../../shared/core/clock.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { type ControlPlane, startControlPlane } from '../control-plane/control-plane.ts';
import type { Etcd } from '../control-plane/etcd.ts';
import { startEtcd } from '../control-plane/etcd.ts';
import type { PlaneOptions } from '../fleet/plane.ts';
import { installRights } from '../rights/install.ts';
import { auditPolicy } from './audit-log.ts';
import { type Baseline, baselineOf, restore } from './baseline.ts';
import { serveDefinitions } from './definitions.ts';

/** The kubelets of a fast world tell of themselves each second. */
const timing = { nodeGraceSeconds: 20 } as const;

export interface Lent {
  readonly control: ControlPlane;
  giveBack(): Promise<void>;
}

interface Kept {
  readonly kind: string;
  readonly control: ControlPlane;
  readonly baseline: Baseline;
}

/**
 * Control planes of this process that nobody uses now, one etcd below all of them. A control plane costs ten seconds of
 * both cores, and a test file needs two or three: so the next file gets those of the last, with everything removed that was
 * not there at first. They end with the process (`lifeline.sh`).
 */
const idle: Kept[] = [];
let etcd: Promise<Etcd> | undefined;
let started = 0;

/** A control plane with our kinds, OCM's, and the rights of its role; as new. */
export async function borrowControl(options: PlaneOptions): Promise<Lent> {
  const { role, release = '', definitions = 'ours' } = options;
  const kind = [role, release, definitions].join(' ');
  const index = idle.findIndex((each) => each.kind === kind);
  const kept = index >= 0 ? idle.splice(index, 1)[0] : undefined;
  return lend(kept ?? (await start(kind, options)));
}

function lend(kept: Kept): Lent {
  const { control, baseline } = kept;
  return {
    control,
    async giveBack() {
      if (await restore(control.adminKubeconfig, baseline, systemClock)) idle.push(kept);
      else await control.stop();
    },
  };
}

async function start(kind: string, { name, role, release, definitions }: PlaneOptions): Promise<Kept> {
  etcd ??= startEtcd();
  started += 1;
  const control = await startControlPlane({
    name: `${name}-${started}`,
    etcd: await etcd,
    schedulerAndControllers: true,
    auditPolicy,
    timing,
    ...(release && { version: release }),
    async prepare(text) {
      const admin = createKubeClient({ kubeconfig: { text }, userAgent: 'world/admin' });
      await Promise.all([serveDefinitions(admin, definitions), installRights(admin, role)]);
      await admin.close();
    },
  });
  return { kind, control, baseline: await baselineOf(control.adminKubeconfig) };
}
