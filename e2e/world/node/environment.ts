import type { KubeClient } from '../../../shared/kube/client.ts';
import type { Pod } from '../../../shared/kube/object.ts';
import { configMaps, secrets } from '../../../shared/kube/resources.ts';
import { expanded, podField } from './downward.ts';

export type ContainerSpec = Pod['spec']['containers'][number];
type Variable = NonNullable<ContainerSpec['env']>[number];

/** Something that the container's configuration names is not there: `CreateContainerConfigError`. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** The variables that the pod gives a container, in order: `envFrom`, then `env`; a later one may use an earlier one. */
export async function containerVariables(
  client: KubeClient,
  pod: Pod,
  container: ContainerSpec,
): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const source of container.envFrom ?? []) {
    const reference = source.secretRef ?? source.configMapRef;
    const kind = source.secretRef ? 'secret' : 'configmap';
    const data = await keyedData(client, pod, { kind, name: reference?.name ?? '', optional: reference?.optional });
    for (const [key, value] of Object.entries(data ?? {})) variables[`${source.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await variableValue(client, pod, variable);
    if (value !== undefined) variables[variable.name] = expanded(value, variables);
  }
  return variables;
}

/** The values of a Secret or ConfigMap in the pod's namespace as text, for variables; `undefined` as `keyedContent`. */
async function keyedData(
  client: KubeClient,
  pod: Pod,
  source: KeyedSource,
): Promise<Record<string, string> | undefined> {
  const content = await keyedContent(client, pod, source);
  return content && mapped(content, (value) => value.toString('utf8'));
}

export interface KeyedSource {
  kind: 'secret' | 'configmap';
  name: string;
  optional: boolean | undefined;
}

/** The bytes of a Secret or ConfigMap in the pod's namespace (a certificate is no text); `undefined` when it is optional and not there. */
export async function keyedContent(
  client: KubeClient,
  pod: Pod,
  source: KeyedSource,
): Promise<Record<string, Buffer> | undefined> {
  const at = { namespace: pod.metadata.namespace, name: source.name };
  const found =
    source.kind === 'secret'
      ? await client.get(secrets, at).then((secret) => secret && mapped(secret.data ?? {}, fromBase64))
      : await client.get(configMaps, at).then((map) => map && mapped(map.data ?? {}, (text) => Buffer.from(text)));
  if (found === undefined && !source.optional) throw new ConfigError(`${source.kind} "${source.name}" not found`);
  return found;
}

function fromBase64(text: string): Buffer {
  return Buffer.from(text, 'base64');
}

function mapped<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

async function variableValue(client: KubeClient, pod: Pod, variable: Variable): Promise<string | undefined> {
  const from = variable.valueFrom;
  if (from === undefined) return variable.value ?? '';
  if (from.fieldRef) {
    const value = podField(pod, from.fieldRef.fieldPath);
    if (value === undefined) throw new ConfigError(`unsupported fieldPath: ${from.fieldRef.fieldPath}`);
    return value;
  }
  const reference = from.secretKeyRef ?? from.configMapKeyRef;
  if (reference === undefined) throw new ConfigError(`variable ${variable.name}: its source is not modelled`);
  const kind = from.secretKeyRef ? 'secret' : 'configmap';
  const data = await keyedData(client, pod, { kind, name: reference.name ?? '', optional: reference.optional });
  const value = data?.[reference.key];
  if (value === undefined && !reference.optional) {
    throw new ConfigError(`couldn't find key ${reference.key} in ${kind} ${pod.metadata.namespace}/${reference.name}`);
  }
  return value;
}
