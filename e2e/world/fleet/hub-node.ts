import type { KubeObject } from '../../../shared/kube/object.ts';
import { nodes, resource } from '../../../shared/kube/resources.ts';
import type { Runtime } from '../../../shared/kube/runtime.ts';
import type { DockerConfig } from '../../../shared/registry/docker-config.ts';
import { deployed } from '../../../shared/testing/deployed.ts';
import { createUnlessThere } from '../create-unless-there.ts';
import { startNode, type WorldNode } from '../node/node.ts';
import type { Plane } from './plane.ts';

export interface HubNodeOptions {
  readonly hub: Plane;
  readonly runtime: Runtime;
  readonly timeFactor: number;
  readonly registryCa: string;
  readonly logins: readonly DockerConfig[];
  readonly folder: string;
  readonly system?: HubNodeSystem | undefined;
}

/** What runs on it. */
export interface HubNodeSystem {
  readonly release: string;
  readonly osImage?: string;
}

export const hubNodeName = 'builder';
const systemDefault: HubNodeSystem = { release: '6.1.0-28-amd64' };

/** The hub's one node, where build and sign Jobs run. */
export async function startHubNode(options: HubNodeOptions): Promise<WorldNode> {
  const { hub, runtime, timeFactor, registryCa, logins, folder, system = systemDefault } = options;
  if (hub.embedded) await createServiceAccounts(hub);
  const name = hubNodeName;
  const node = await startNode({
    client: await hub.connect(`system:node:${name}`),
    admin: hub.client,
    runtime,
    name,
    kernel: { release: system.release },
    osImage: system.osImage,
    registry: { caPem: registryCa },
    logins,
    folder,
    timeFactor,
  });
  const labels = { 'node-role.kubernetes.io/worker': '' };
  await hub.client.patch(nodes, { name }, { type: 'merge', body: { metadata: { labels } } });
  return node;
}

/** Those of `deploy/hub`, under which the Jobs run: on a real plane they came with the rights. */
async function createServiceAccounts(hub: Plane): Promise<void> {
  const accounts = resource<KubeObject>('', 'v1', 'ServiceAccount', 'serviceaccounts', true);
  for (const { object } of deployed('hub')) {
    if (object.kind === accounts.kind) await createUnlessThere(hub.client, accounts, object);
  }
}
