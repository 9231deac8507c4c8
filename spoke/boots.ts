import { annotations } from '../shared/kube/names.ts';
import type { Node, Pod } from '../shared/kube/object.ts';
import { toolsStatus } from './pods.ts';

/** Under which boot a Module's loader container was known to have started, and which container that was. */
export interface LoadedBoot {
  container: string;
  boot: string;
}

/** The node's annotation `loaded-boots` by `<namespace>.<module>`. Anyone may write it: what is no entry is none. */
export function loadedBoots(node: Node): Record<string, LoadedBoot> {
  const text = node.metadata.annotations?.[annotations.loadedBoots];
  const value = text === undefined ? undefined : parsed(text);
  if (value === null || typeof value !== 'object') return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, LoadedBoot] => isEntry(entry[1])));
}

/** Keys sorted, so that equal content is equal text. */
export function formatLoadedBoots(boots: Readonly<Record<string, LoadedBoot>>): string | undefined {
  const entries = Object.entries(boots).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
}

export function bootKey(module: { namespace?: string | undefined; name: string }): string {
  return `${module.namespace}.${module.name}`;
}

/**
 * The boot id that the pod's tools container wrote as its termination message. Kubelet runs the init containers again
 * whenever it makes a new sandbox, so after every reboot, and before the main container: a *running* main container
 * beside this message started under this boot. The proof stands in the pod itself: it is right in whatever order Node and
 * Pod updates arrive, and whatever the spoke missed. `undefined` when kubelet lost the ended container.
 */
export function sandboxBoot(pod: Pod): string | undefined {
  const message = toolsStatus(pod)?.state?.terminated?.message;
  const value = message === undefined ? undefined : parsed(message);
  if (value === null || typeof value !== 'object') return undefined;
  const boot = (value as Record<string, unknown>)['boot'];
  return typeof boot === 'string' && boot !== '' ? boot : undefined;
}

function isEntry(value: unknown): value is LoadedBoot {
  if (value === null || typeof value !== 'object') return false;
  const { container, boot } = value as Record<string, unknown>;
  return typeof container === 'string' && typeof boot === 'string';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
