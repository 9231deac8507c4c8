import { sleep, systemClock } from '../../../shared/core/clock.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Namespace } from '../../../shared/kube/object.ts';
import { namespaces } from '../../../shared/kube/resources.ts';
import { serviceAccounts } from '../control-plane/service-account.ts';
import { mayUsePrivileged, unlessGone, userInfoOf } from './privileged-use.ts';

export const levelLabel = 'pod-security.kubernetes.io/enforce';
const syncLabel = 'security.openshift.io/scc.podSecurityLabelSync';
/** Real time. All is looked at each time: the levels follow from roles, bindings, groups and accounts alike. */
const lookAgainMs = 500;

/**
 * OpenShift's synchronisation of Pod Security levels with what the accounts of a namespace may use. The first round is done
 * when it returns; the rest goes on until `signal` aborts and `stopped` resolves.
 */
export async function startLevelSync(client: KubeClient, signal: AbortSignal): Promise<{ stopped: Promise<void> }> {
  await setLevels(client);
  const stopped = (async () => {
    for (;;) {
      await sleep(systemClock, lookAgainMs, signal);
      if (signal.aborted) return;
      await setLevels(client).catch((error) => process.emitWarning(`Pod Security levels: ${String(error)}`));
    }
  })();
  return { stopped };
}

async function setLevels(client: KubeClient): Promise<void> {
  const accounts = (await client.list(serviceAccounts)).items;
  const { items } = await client.list(namespaces);
  const each = items.filter(isGuarded).map(async (namespace) => {
    const { name, labels } = namespace.metadata;
    const own = accounts.filter(({ metadata }) => metadata.namespace === name);
    const users = own.map(({ metadata }) => userInfoOf({ namespace: name, name: metadata.name }));
    const may = await Promise.all(users.map((user) => mayUsePrivileged(client, user, name)));
    const level = levelOf(namespace, may.includes(true));
    if (labels?.[levelLabel] === level) return;
    const body = { metadata: { labels: { [levelLabel]: level } } };
    await client.patch(namespaces, { name }, { type: 'merge', body }).catch(unlessGone);
  });
  await Promise.all(each);
}

/** Kubernetes' own namespaces are left alone. */
function isGuarded({ metadata }: Namespace): boolean {
  return metadata.name !== 'default' && !metadata.name.startsWith('kube-');
}

/** OpenShift's own namespaces take part when they say so, all others unless they say no. */
export function isSynced({ metadata }: Namespace): boolean {
  const asked = metadata.labels?.[syncLabel];
  return metadata.name.startsWith('openshift-') ? asked === 'true' : asked !== 'false';
}

/** A namespace that nobody has given a level is `restricted`, as in a cluster whose default that is: the strictest there can be. */
export function levelOf(namespace: Namespace, somebodyMayUsePrivileged: boolean): string {
  if (isSynced(namespace)) return somebodyMayUsePrivileged ? 'privileged' : 'restricted';
  return namespace.metadata.labels?.[levelLabel] ?? 'restricted';
}
