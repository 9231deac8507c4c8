import { isRecord } from '../../shared/core/record.ts';
import { ourDefinitions } from '../world/api-server/definitions.ts';
import type { Cause } from '../world/api-server/failures.ts';
import { customKinds } from '../world/api-server/kinds/custom.ts';
import type { ApiObject } from '../world/api-server/object.ts';
import type { Schema } from '../world/api-server/schema/schema.ts';
import { schemaCauses } from '../world/api-server/schema/validate.ts';
import { type Place, placesOf, plant } from './places.ts';

type Fields = Record<string, unknown>;

/** One of our kinds as an API server has it that serves our CustomResourceDefinition. */
export interface Kind {
  readonly kind: string;
  /** Below `spec`. */
  readonly places: readonly Place[];
  /** A good object that holds `text` at `place`. */
  objectWith(place: Place, text: string): Fields;
  /** As the server takes it: `object` pruned and defaulted, or why not. */
  admit(object: Fields): { object: ApiObject } | { causes: readonly Cause[] };
  /** What the server has against a status. */
  statusCauses(status: unknown): readonly Cause[];
}

export function ourKind(name: 'ManagedClusterModule' | 'Module'): Kind {
  const served = ourDefinitions()
    .flatMap((definition) => customKinds(definition as unknown as ApiObject))
    .find(({ kind }) => kind === name);
  if (served?.schema === undefined) throw new Error(`expected a definition of ${name}`);
  const { strategy, schema } = served;
  const spec = schema.properties?.['spec'] as Schema;
  return {
    kind: name,
    places: placesOf(spec, ['spec']),
    objectWith(place, text) {
      const object = goodObject(name);
      makeRoom(object, place);
      plant(object, schema, place, text);
      return object;
    },
    admit(object) {
      const next = JSON.parse(JSON.stringify(object)) as ApiObject;
      strategy.prune?.(next);
      strategy.applyDefaults?.(next);
      const causes = strategy.validate?.(next, undefined) ?? [];
      return causes.length > 0 ? { causes } : { object: next };
    },
    statusCauses: (status) => schemaCauses(status, schema.properties?.['status'] ?? {}, 'status'),
  };
}

function goodObject(kind: 'ManagedClusterModule' | 'Module'): Fields {
  const module = {
    selector: { worker: '' },
    moduleLoader: {
      container: {
        modprobe: { moduleName: 'nic', dirName: '/opt' },
        kernelMappings: [{ regexp: '^.+$', containerImage: 'registry.example/nic:1' }],
      },
    },
  };
  const metadata = { name: 'simple', uid: 'uid', resourceVersion: '1', generation: 1 };
  if (kind === 'Module') {
    return {
      apiVersion: 'kmm.sigs.x-k8s.io/v1beta1',
      kind,
      metadata: { ...metadata, namespace: 'modules' },
      spec: module,
    };
  }
  const spec = { selector: {}, spokeNamespace: 'modules', moduleSpec: module };
  return { apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1', kind, metadata, spec };
}

/** What excludes a place, or must stand beside it, by the rules of the kinds. */
function makeRoom(object: Fields, { steps }: Place): void {
  const has = (...names: string[]) => names.every((name) => steps.includes(name));
  const spec = object['spec'] as Fields;
  const moduleSpec = (spec['moduleSpec'] ?? spec) as Fields;
  const container = memberOf(moduleSpec, 'moduleLoader', 'container');
  const modprobe = memberOf(container, 'modprobe');
  const [mapping] = container['kernelMappings'] as [Fields];
  if (has('literal')) delete mapping['regexp'];
  if (has('moduleLoader', 'sign')) {
    const place = has('kernelMappings') ? mapping : container;
    place['sign'] = { keySecret: {}, certSecret: {}, filesToSign: has('filesToSign') ? [] : ['/opt/a.ko'] };
  }
  if (has('modulesLoadingOrder')) modprobe['modulesLoadingOrder'] = has('[]') ? ['nic', 'b'] : [];
  if (has('rawArgs')) {
    delete modprobe['moduleName'];
    modprobe['rawArgs'] = { load: ['nic'], unload: ['-r', 'nic'] };
  }
  if (has('tolerations')) moduleSpec['tolerations'] = [{ operator: has('value') ? 'Equal' : 'Exists', key: 'a' }];
}

function memberOf(parent: Fields, ...names: string[]): Fields {
  return names.reduce<Fields>((each, name) => {
    const member = each[name];
    if (!isRecord(member)) throw new Error(`expected ${name} in a good object`);
    return member;
  }, parent);
}
