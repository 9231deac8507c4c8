import { imageStreams, toolkitStream } from '../../../shared/build/openshift-kinds.ts';
import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Namespace, Resource } from '../../../shared/kube/object.ts';
import { namespaces, resource } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import { deployed } from '../../../shared/testing/deployed.ts';
import { applyDefinitions } from '../api-server/definitions.ts';
import { serviceAccounts } from '../control-plane/service-account.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import { eventually } from '../eventually.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { hubNamespace } from '../fleet/users.ts';
import type { CustomSpec } from '../ocm/kinds.ts';
import { installRights } from '../rights/install.ts';
import { startBuildController } from './build-controller.ts';
import { buildDefinitions } from './build-definitions.ts';
import { levelLabel } from './pod-security-levels.ts';

export interface OpenShiftBuilds {
  /** Of the toolkits: OS build → image. */
  tagToolkits(tags: Readonly<Record<string, string>>): Promise<void>;
  /** Before the fleet stops. */
  stop(): Promise<void>;
}

/**
 * The kinds, as soon as there is an API server: Kubernetes' garbage collector looks for new ones each half minute, and holds
 * until then what is deleted in the foreground.
 */
export async function serveBuilds(client: KubeClient): Promise<void> {
  const definitions = buildDefinitions();
  await applyDefinitions(client, definitions);
  for (const { metadata, spec } of definitions) {
    await eventually(`${metadata.name} is served`, () => listed(client, spec as CustomSpec));
  }
}

/** Makes of the fleet's hub, which serves the kinds, a cluster of OpenShift that builds, with `deploy/hub-openshift` applied. The hub program starts later. */
export async function startOpenShiftBuilds(fleet: Fleet, runtime: Runtime): Promise<OpenShiftBuilds> {
  const { client, embedded } = fleet.hub;
  await fleet.hub.createNamespace(toolkitStream.namespace);
  await createUnlessThere(client, serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: hubNamespace, name: 'builder' },
  });
  if (embedded === undefined) await installRights(client, 'hub-openshift');
  const formerLevel = await setLevel(client, levelOfOverlay());
  const stopping = new AbortController();
  const { builderImage } = fleet;
  const { stopped } = startBuildController({ client, runtime, signal: stopping.signal, builderImage });
  return {
    async tagToolkits(tags) {
      const list = Object.entries(tags).map(([name, image]) => ({ name, from: { kind: 'DockerImage', name: image } }));
      const metadata = { ...toolkitStream };
      await client.create(imageStreams, {
        apiVersion: 'image.openshift.io/v1',
        kind: 'ImageStream',
        metadata,
        spec: { tags: list },
      });
    },
    async stop() {
      stopping.abort();
      await stopped;
      // Namespaces are what the next journey finds.
      await setLevel(client, formerLevel);
    },
  };
}

async function listed(client: KubeClient, { group, names, versions }: CustomSpec): Promise<true> {
  const kind: Resource<Namespace> = resource(group, versions[0]?.name ?? '', names.kind, names.plural, true);
  await client.list(kind, { limit: 1 });
  return true;
}

function levelOfOverlay(): string | null {
  const objects = deployed('hub-openshift').map(({ object }) => object);
  return objects.find(({ kind }) => kind === 'Namespace')?.metadata.labels?.[levelLabel] ?? null;
}

/** Gives the former one. */
async function setLevel(client: KubeClient, level: string | null): Promise<string | null> {
  const at = { name: hubNamespace };
  const before = (await client.get(namespaces, at))?.metadata.labels?.[levelLabel] ?? null;
  await client.patch(namespaces, at, { type: 'merge', body: { metadata: { labels: { [levelLabel]: level } } } });
  return before;
}
