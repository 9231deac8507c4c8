import { openSync } from 'node:fs';
import type { KubeClient } from '../../../shared/kube/client.ts';
import { isConflict } from '../../../shared/kube/errors.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import { type ControlPlane, startControlPlane } from '../control-plane/control-plane.ts';
import type { ConnectOptions, Plane, PlaneOptions, Right } from '../fleet/plane.ts';
import { addToTally } from '../fleet/tally.ts';
import { installRights } from '../rights/install.ts';
import { noteUses } from '../rights/uses.ts';
import { withholdRight } from '../rights/withhold.ts';
import { askedBy } from './audit-log.ts';
import { serveDefinitions } from './definitions.ts';
import { borrowEtcd } from './shared-etcd.ts';
import { inTime } from './time-of-world.ts';
import { TokenFiles } from './token-files.ts';

const serviceAccountUser = /^system:serviceaccount:([^:]+):([^:]+)$/;
const groups = [
  { of: /^system:node:/, group: 'system:nodes' },
  { of: /^system:open-cluster-management:/, group: 'system:open-cluster-management' },
] as const;
/** The kubelets of a fast world tell of themselves each second. */
const timing = { nodeGraceSeconds: 20 } as const;

/**
 * Kubernetes' own control plane, with authentication and RBAC. Our programs and OCM's agents have the rights that `deploy/`
 * and OCM give them, by tokens that are renewed all the time; nodes have those of nodes.
 */
export async function startRealPlane(options: PlaneOptions): Promise<Plane> {
  const { name, role, runtime, timeFactor = 1 } = options;
  const etcd = await borrowEtcd();
  const control = await startControlPlane({
    name: etcd.prefixFor(name),
    etcd,
    schedulerAndControllers: true,
    timing,
    ...(options.release && { version: options.release }),
    prepare: async (text) => {
      const admin = createKubeClient({ kubeconfig: { text }, userAgent: 'world/admin' });
      await serveDefinitions(admin, options.definitions);
      await installRights(admin, role);
      await admin.close();
    },
  });
  const { adminKubeconfig, auditLogPath } = control;
  const client = createKubeClient({ kubeconfig: { text: adminKubeconfig }, userAgent: 'world/admin' });
  const tokens = new TokenFiles({ client, control });
  const clients: KubeClient[] = [client];
  const withheld: Right[] = [];
  const kubeconfig = (user?: string) =>
    user === undefined ? Promise.resolve(adminKubeconfig) : kubeconfigOf(user, { control, tokens });
  return {
    name,
    client,
    kubeconfig,
    async connect(user: string, given: ConnectOptions = {}) {
      const source = { text: await kubeconfig(user) };
      const plain = createKubeClient({ userAgent: `world/${user}`, ...given, kubeconfig: source });
      clients.push(plain);
      return inTime(plain, { clock: runtime.clock, factor: timeFactor });
    },
    async createNamespace(namespace) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await client.create(namespaces, object).catch(unlessThere);
    },
    requests: (user) => askedBy(auditLogPath, user),
    withhold(right) {
      withheld.push(right);
      return withholdRight(client, right);
    },
    refusePrivilegedPods: (namespace) => enforceLevel(client, namespace, 'baseline'),
    async stop() {
      tokens.stop();
      await Promise.all(clients.map((each) => each.close()));
      // Open, it can be read when the servers are gone, and their folder with them: only then it is whole.
      const log = openSync(auditLogPath, 'r');
      await control.stop();
      addToTally(await noteUses(log, withheld));
      await etcd.giveBack();
    },
  };
}

/** The Pod Security level of the namespace; what it gives back takes it away again. */
async function enforceLevel(client: KubeClient, name: string, level: string): Promise<() => Promise<void>> {
  const set = async (to: string | null) => {
    const body = { metadata: { labels: { 'pod-security.kubernetes.io/enforce': to } } };
    await client.patch(namespaces, { name }, { type: 'merge', body });
  };
  await set(level);
  return () => set(null);
}

async function kubeconfigOf(user: string, from: { control: ControlPlane; tokens: TokenFiles }): Promise<string> {
  const [, namespace, account] = serviceAccountUser.exec(user) ?? [];
  if (namespace !== undefined && account !== undefined) return from.tokens.kubeconfigOf({ namespace, name: account });
  return from.control.kubeconfigFor({
    name: user,
    groups: groups.filter(({ of }) => of.test(user)).map(({ group }) => group),
  });
}

/** The manifests of `deploy/` make the operator's namespace already. */
function unlessThere(error: unknown): void {
  if (!isConflict(error)) throw error;
}
