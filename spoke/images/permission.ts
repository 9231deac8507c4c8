import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import type { KubeObject } from '../../shared/kube/object.ts';
import { resource, selfSubjectAccessReviews } from '../../shared/kube/resources.ts';
import { builderAccount } from '../../shared/making/settings.ts';

/** The ClusterRole of deploy/spoke that nobody has until somebody binds it in a namespace, and our own account. */
export const makerRole = 'kmm-operator-image-maker-role';
export const programAccount = 'kmm-operator-controller';

const serviceAccounts = resource<KubeObject>('', 'v1', 'ServiceAccount', 'serviceaccounts', true);

/** What making images takes in a namespace, the most telling first: listing pods is everywhere ours. */
const rights: readonly { group: string; resource: string; verbs: readonly string[] }[] = [
  { group: 'batch', resource: 'jobs', verbs: ['create', 'list', 'watch', 'patch', 'delete'] },
  { group: '', resource: 'secrets', verbs: ['get', 'list', 'watch'] },
  { group: '', resource: 'configmaps', verbs: ['list', 'watch'] },
  { group: '', resource: 'serviceaccounts', verbs: ['get'] },
];

export interface PermissionQuestion {
  client: KubeClient;
  namespace: string;
  operatorNamespace: string;
}

/**
 * Why no image may be made in the namespace, with the command that allows it; undefined: it may. Whoever may create Jobs
 * in a namespace may mount all that is there, so nobody has this right before an admin of the namespace gives it. Asked
 * before anything else is; one request where it is not allowed. Throws `KubeError`.
 */
export async function makingRefusal(question: PermissionQuestion): Promise<string | undefined> {
  const { client, namespace, operatorNamespace } = question;
  for (const { verbs, ...what } of rights) {
    for (const verb of verbs) {
      if (await isAllowed(question, { ...what, verb })) continue;
      const bind = `kubectl create rolebinding ${makerRole} -n ${namespace} --clusterrole=${makerRole} --serviceaccount=${operatorNamespace}:${programAccount}`;
      return `images are not made in namespace ${namespace} before that is allowed there (may not ${verb} ${what.resource}): ${bind}`;
    }
  }
  // Else Jobs without pods, and nobody who says why.
  if ((await client.get(serviceAccounts, { namespace, name: builderAccount })) !== undefined) return undefined;
  return `namespace ${namespace} has no account for the pods that make images: kubectl create serviceaccount ${builderAccount} -n ${namespace}`;
}

async function isAllowed(
  { client, namespace }: PermissionQuestion,
  asked: { group: string; resource: string; verb: string },
): Promise<boolean> {
  // For the one right that names its object.
  const name = asked.resource === 'serviceaccounts' ? { name: builderAccount } : {};
  const review = await client.create(selfSubjectAccessReviews, {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    metadata: { name: '' },
    spec: { resourceAttributes: { namespace, ...asked, ...name } },
  });
  if (review.status === undefined) throw new KubeError(500, 'NoAnswer', 'an access review without an answer');
  return review.status.allowed;
}
