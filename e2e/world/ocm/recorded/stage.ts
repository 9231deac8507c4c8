import {
  type AppliedManifestWork,
  appliedManifestWorks,
  type ManifestWork,
  type Module,
  manifestWorks,
  modules,
} from '@open-cluster-management/api-types';
import { scaledClock, sleep, systemClock } from '../../../../shared/core/clock.ts';
import { silentLog } from '../../../../shared/core/log.ts';
import type { KubeClient } from '../../../../shared/kube/client.ts';
import { apiVersion, type KubeObject, type Resource } from '../../../../shared/kube/object.ts';
import { namespaces } from '../../../../shared/kube/resources.ts';
import { type Runtime, silentMeters } from '../../../../shared/kube/runtime.ts';
import { createKubeClient } from '../../../../shared/kube/transport.ts';
import { applyDefinitions, ourDefinitions } from '../../api-server/definitions.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../api-server/server.ts';
import { eventually } from '../../eventually.ts';
import { ocmDefinitions } from '../definitions.ts';
import { appliedWorkFacets, FacetLog, moduleFacets, workFacets } from './facets.ts';
import { type Action, clusterName, moduleNamespace } from './scenario.ts';

export const timeFactor = 40;

/** A hub and a spoke without programs, on which acts are done and everything that happens is written down. */
export interface Stage {
  readonly hubClient: KubeClient;
  readonly spokeClient: KubeClient;
  readonly spoke: ApiServer;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly log: FacetLog;
  perform(action: Action): Promise<void>;
  /** Lets so many of the stage's seconds pass. */
  pass(seconds: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startStage(spokeOptions: Partial<ApiServerOptions> = {}): Promise<Stage> {
  const clock = scaledClock(systemClock, timeFactor);
  const runtime: Runtime = { clock, random: () => 0.5, log: silentLog, meters: silentMeters };
  const hub = await startApiServer({ clock, name: 'hub' });
  const spoke = await startApiServer({ clock, name: 'spoke', ...spokeOptions });
  const hubClient = createKubeClient({ kubeconfig: { text: hub.kubeconfig() } });
  const spokeClient = createKubeClient({ kubeconfig: { text: spoke.kubeconfig() } });
  await applyDefinitions(hubClient, ocmDefinitions());
  await applyDefinitions(spokeClient, [...ocmDefinitions(), ...ourDefinitions()]);
  await createNamespace(hubClient, clusterName);
  const ending = new AbortController();
  const log = new FacetLog();
  const watches = [
    record(hubClient, manifestWorks, ending.signal, recorder(log, 'work', workFacets)),
    record(spokeClient, modules, ending.signal, recorder(log, 'module', moduleFacets)),
    record(spokeClient, appliedManifestWorks, ending.signal, recorder(log, 'applied', appliedWorkFacets)),
  ];
  return {
    hubClient,
    spokeClient,
    spoke,
    runtime,
    signal: ending.signal,
    log,
    perform: (action) => perform(action, hubClient, spokeClient),
    pass: (seconds) => sleep(clock, seconds * 1000),
    async stop() {
      ending.abort();
      await Promise.all(watches);
      await Promise.all([hubClient.close(), spokeClient.close()]);
      await Promise.all([hub.stop(), spoke.stop()]);
    },
  };
}

type Recorder<T> = (object: T, isGone: boolean) => void;

function recorder<T extends ManifestWork | Module | AppliedManifestWork>(
  log: FacetLog,
  of: 'work' | 'module' | 'applied',
  facets: (object: T) => Record<string, unknown>,
): Recorder<T> {
  return (object, isGone) => {
    const name = of === 'applied' ? (object as AppliedManifestWork).spec.manifestWorkName : object.metadata.name;
    if (isGone) log.gone(name, of);
    else log.see(name, facets(object));
  };
}

async function record<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  signal: AbortSignal,
  tell: Recorder<T>,
): Promise<void> {
  const { metadata } = await client.list(resource);
  try {
    for await (const event of client.watch(resource, { resourceVersion: metadata.resourceVersion, signal })) {
      if (event.type === 'ERROR') throw new Error(`the watch of ${resource.plural} ended: ${event.object.message}`);
      if (event.type !== 'BOOKMARK') tell(event.object, event.type === 'DELETED');
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function createNamespace(client: KubeClient, name: string): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

async function perform(action: Action, hub: KubeClient, spoke: KubeClient): Promise<void> {
  if (action.kind === 'createNamespace') return createNamespace(spoke, moduleNamespace);
  const { name } = action;
  const work = { name, namespace: clusterName };
  const module = { name, namespace: moduleNamespace };
  switch (action.kind) {
    case 'createWork': {
      const { kind } = manifestWorks;
      await hub.create(manifestWorks, {
        apiVersion: apiVersion(manifestWorks),
        kind,
        metadata: work,
        spec: action.spec,
      });
      break;
    }
    case 'changeWork': {
      const operations = [{ op: 'replace' as const, path: '/spec', value: action.spec }];
      await hub.patch(manifestWorks, work, { type: 'json', operations });
      break;
    }
    case 'deleteWork':
      await hub.delete(manifestWorks, work);
      break;
    case 'awaitApplied':
      await eventually(`${name} is applied at its generation`, () => isApplied(hub, work));
      break;
    case 'patchModule':
      await spoke.patch(modules, module, { type: 'merge', body: action.patch });
      break;
    case 'changeModule': {
      const operations = [{ op: 'replace' as const, path: '/spec', value: action.spec }];
      await spoke.patch(modules, module, { type: 'json', operations });
      break;
    }
    case 'writeModuleStatus':
      await spoke.patch(modules, module, { type: 'merge', body: { status: action.patch } }, { subresource: 'status' });
      break;
  }
}

async function isApplied(hub: KubeClient, at: { name: string; namespace: string }): Promise<boolean> {
  const work = await hub.get(manifestWorks, at);
  const applied = work?.status?.conditions?.find(({ type }) => type === 'Applied');
  return applied?.status === 'True' && applied.observedGeneration === work?.metadata.generation;
}
