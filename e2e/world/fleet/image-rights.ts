import type { KubeObject } from '../../../shared/kube/object.ts';
import { resource } from '../../../shared/kube/resources.ts';
import { deployed } from '../../../shared/testing/deployed.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import type { Plane } from './plane.ts';
import { programUsers } from './users.ts';

const accounts = resource<KubeObject>('', 'v1', 'ServiceAccount', 'serviceaccounts', true);

/** No namespace of a spoke lets our program make images until what this gives back is called: what an admin applies for `kmm-modules`. */
export async function withholdImages(plane: Plane): Promise<() => Promise<void>> {
  if (!plane.embedded) {
    // Nobody has bound the role yet.
    const { installImageRights } = await import('../rights/install.ts');
    return () => installImageRights(plane.client);
  }
  const giveBack = await plane.withhold({ user: programUsers.spoke, resource: 'jobs', verbs: ['create'] });
  return async () => {
    for (const { object } of deployed('spoke-images')) {
      if (object.kind === accounts.kind) await createUnlessThere(plane.client, accounts, object);
    }
    await giveBack();
  };
}
