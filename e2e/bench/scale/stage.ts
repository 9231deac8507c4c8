import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { startControlPlane } from '../../world/control-plane/control-plane.ts';
import { startEtcd } from '../../world/control-plane/etcd.ts';
import { hubNamespace, programUsers } from '../../world/fleet/users.ts';
import { Processes } from '../../world/node/processes.ts';
import { auditPolicy } from '../../world/real/audit-log.ts';
import { serveDefinitions } from '../../world/real/definitions.ts';
import { type Registry, startRegistry } from '../../world/registry/server.ts';
import { installRights } from '../../world/rights/install.ts';
import { type Asked, AuditTail } from './audit-tail.ts';
import { type HubProcess, startHubProcess } from './hub-process.ts';

/**
 * As many writes at once as the hub has by default (`writeConcurrency`); the raw loop and the agents have the same. From 32
 * agents at once the API server's watches lag seconds behind, whoever reads them.
 */
export const writesAtOnce = 8;

/** Kubernetes' own API server with our kinds, rights and OCM's, and all that plays the rest of the world. */
export interface Stage {
  /** An administrator, who also plays OCM and its agents. */
  readonly world: KubeClient;
  /** Who writes the same works as the hub, and does nothing else. */
  readonly raw: KubeClient;
  readonly registry: Registry;
  /** The hub that runs now. */
  hub(): HubProcess;
  startHub(): Promise<HubProcess>;
  /** Resolves when the hub has asked nothing but its lease for a while. */
  quiet(forMs?: number): Promise<void>;
  readonly log: AuditTail;
  byHub(since: number): Asked[];
  byRaw(since: number): Asked[];
  byWorld(since: number): Asked[];
  stop(): Promise<void>;
}

const users = { world: 'bench:world', raw: 'bench:raw', hub: programUsers.hub } as const;
/** Looks at the log take processor time from the hub that is measured; no figure is read off by them. */
const lookEveryMs = 250;

export async function openStage(options: { profileFolder?: string | undefined; nodeOptions: string }): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'kmm-bench-'));
  const processes = new Processes();
  const etcd = await startEtcd({ thousands: true });
  const registry = await startRegistry({ clock: systemClock });
  const control = await startControlPlane({
    name: 'bench',
    etcd,
    schedulerAndControllers: false,
    thousands: true,
    auditPolicy,
    async prepare(text) {
      const admin = createKubeClient({ kubeconfig: { text } });
      await Promise.all([serveDefinitions(admin), installRights(admin, 'hub')]);
      await admin.close();
    },
  });
  const connect = async (name: string, concurrency: number) => {
    const text = await control.kubeconfigFor({ name, groups: ['system:masters'] });
    return createKubeClient({ kubeconfig: { text }, concurrency });
  };
  const [world, raw] = await Promise.all([connect(users.world, writesAtOnce), connect(users.raw, writesAtOnce)]);
  // Known by a certificate, with the rights of its account: RBAC looks at the name only.
  const kubeconfig = await control.kubeconfigFor({
    name: users.hub,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${hubNamespace}`],
  });
  const wanted = new Set<string>(Object.values(users));
  const log = new AuditTail(control.auditLogPath, (user) => wanted.has(user));
  const by = (user: string) => (since: number) => log.since(since).filter((asked) => asked.user === user);
  let hub: HubProcess | undefined;
  return {
    world,
    raw,
    registry,
    log,
    byHub: by(users.hub),
    byRaw: by(users.raw),
    byWorld: by(users.world),
    hub() {
      if (hub === undefined) throw new Error('expected a hub that was started');
      return hub;
    },
    async startHub() {
      hub = await startHubProcess({ ...options, processes, folder, kubeconfig, registryCa: registry.caPem });
      return hub;
    },
    quiet: (forMs = 1500) => untilQuiet(by(users.hub), log, forMs),
    async stop() {
      await hub?.stop();
      processes.stop();
      await Promise.all([world.close(), raw.close()]);
      await control.stop();
      await Promise.all([registry.stop(), etcd.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export const isLease = ({ resource }: Asked) => resource === 'leases';
export const isWrite = ({ verb }: Asked) => ['create', 'update', 'patch', 'delete'].includes(verb);

async function untilQuiet(byHub: (since: number) => Asked[], log: AuditTail, forMs: number): Promise<void> {
  let [since, busyMs] = [log.mark(), systemClock.now()];
  while (systemClock.now() - busyMs < forMs) {
    await sleep(systemClock, lookEveryMs);
    const next = log.mark();
    if (byHub(since).some((asked) => !isLease(asked))) busyMs = systemClock.now();
    since = next;
  }
}

/** Looks at the log until `isOver` says so; throws after ten minutes, or when the hub ends. */
export async function until(stage: Stage, what: string, isOver: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpMs = systemClock.now() + 600_000;
  while (!(await isOver())) {
    if (systemClock.now() > giveUpMs) throw new Error(`expected within ten minutes: ${what}`);
    await Promise.race([sleep(systemClock, lookEveryMs), stage.hub().alive]);
  }
}
