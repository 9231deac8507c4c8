import type { KubeClient } from '../../../shared/kube/client.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { createKubeClient } from '../../../shared/kube/transport.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import type { ConnectOptions, Plane, PlaneOptions, Right } from '../fleet/plane.ts';
import { addToTally } from '../fleet/tally.ts';
import { installRights } from '../rights/install.ts';
import { noteUses } from '../rights/uses.ts';
import { withholdRight } from '../rights/withhold.ts';
import { adminOf } from './admin.ts';
import { AuditLog } from './audit-log.ts';
import { borrowControl, type Lent } from './control-pool.ts';
import { serveDefinitions } from './definitions.ts';
import { inTime } from './time-of-world.ts';
import { TokenFiles } from './token-files.ts';

const serviceAccountUser = /^system:serviceaccount:([^:]+):([^:]+)$/;
const groups = [
  { of: /^system:node:/, group: 'system:nodes' },
  { of: /^system:open-cluster-management:/, group: 'system:open-cluster-management' },
] as const;

/**
 * Kubernetes' own control plane, with authentication and RBAC. Our programs and OCM's agents have the rights that `deploy/`
 * and OCM give them, by tokens that are renewed all the time; nodes have those of nodes.
 */
export async function startRealPlane(options: PlaneOptions): Promise<Plane> {
  const { name, runtime, timeFactor = 1 } = options;
  const lent = await borrowRealPlane(options);
  const { control } = lent;
  const { adminKubeconfig } = control;
  const log = new AuditLog(control.auditLogPath);
  const client = createKubeClient({ kubeconfig: { text: adminKubeconfig }, userAgent: 'world/admin' });
  const tokens = new TokenFiles({ client, control });
  const clients: KubeClient[] = [client];
  const withheld: Right[] = [];
  /** What a journey has changed and not taken back: it broke off. */
  let outstanding = 0;
  const untilTakenBack = async (change: Promise<() => Promise<void>>) => {
    const takeBack = await change;
    outstanding += 1;
    return async () => {
      await takeBack();
      outstanding -= 1;
    };
  };
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
      // The manifests of `deploy/` make the operator's already.
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await createUnlessThere(client, namespaces, object);
    },
    requests: (user) => log.askedBy(user),
    withhold(right) {
      withheld.push(right);
      return untilTakenBack(withholdRight(client, right));
    },
    refusePrivilegedPods: (namespace) => untilTakenBack(enforceLevel(client, namespace, 'baseline')),
    async stop() {
      tokens.stop();
      await Promise.all(clients.map((each) => each.close()));
      addToTally(await noteUses(log, withheld));
      await lent.giveBack({ changed: outstanding > 0 });
    },
  };
}

/** A control plane with the kinds and the rights of its role, as new. */
export function borrowRealPlane(options: Omit<PlaneOptions, 'runtime'>): Promise<Lent> {
  const { name, role, release, definitions } = options;
  return borrowControl({
    kind: [role, release, definitions].join(' '),
    // One journey has such a plane; at rest it would cost all others time.
    keep: release === undefined && definitions === undefined,
    name,
    ...(release && { version: release }),
    async prepare(text) {
      const admin = adminOf(text);
      await Promise.all([serveDefinitions(admin, definitions), installRights(admin, role)]);
      await admin.close();
    },
  });
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
