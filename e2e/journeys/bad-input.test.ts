import assert from 'node:assert/strict';
import { systemClock } from '../../shared/core/clock.ts';
import { silentLog } from '../../shared/core/log.ts';
import { silentMeters } from '../../shared/kube/runtime.ts';
import { type RawClient, rawClient } from '../world/api-server/raw-client.ts';
import { type Plane, startPlane } from '../world/fleet/plane.ts';

type Fields = Record<string, unknown>;
const path = '/apis/hub.kmm.sigs.x-k8s.io/v1beta1/managedclustermodules';
const mapping = { regexp: '^.+$', containerImage: 'registry.example/nic:1' };

/** A good object; `at` is replaced by `value`, or removed when that is undefined. */
function objectWith(at: string, value: unknown): Fields {
  const build = { dockerfileConfigMap: { name: 'dockerfile' } };
  const sign = { keySecret: { name: 'key' }, certSecret: { name: 'cert' }, filesToSign: ['/opt/nic.ko'] };
  const container = { modprobe: { moduleName: 'nic' }, kernelMappings: [{ ...mapping, build, sign }] };
  const devicePlugin = {
    container: { image: 'registry.example/plugin:1' },
    volumes: [{ name: 'v', hostPath: { path: '/dev/x' } }],
  };
  const moduleSpec = {
    selector: {},
    moduleLoader: { container },
    devicePlugin,
    tolerations: [{ key: 'a', operator: 'Exists' }],
  };
  const object: Fields = {
    apiVersion: 'hub.kmm.sigs.x-k8s.io/v1beta1',
    kind: 'ManagedClusterModule',
    metadata: { generateName: 'nic-' },
    spec: {
      selector: {},
      spokeNamespace: 'modules',
      moduleSpec,
      rollout: { groups: [{ name: 'canary', selector: {} }] },
    },
  };
  const members = at.split('.');
  const last = members.pop() ?? '';
  const parent = members.reduce<Fields>((each, member) => each[member] as Fields, object);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return object;
}

const loader = 'spec.moduleSpec.moduleLoader.container';
const first = `${loader}.kernelMappings.0`;

describe('kubectl apply of bad input', () => {
  let plane: Plane;
  let client: RawClient;
  const apply = async (object: Fields, query = '') => {
    const { code, body, headers } = await client.call('POST', `${path}${query}`, object);
    return { code, text: String(body['message']), warning: String(headers['warning'] ?? '') };
  };

  before(async () => {
    const runtime = { clock: systemClock, random: Math.random, log: silentLog, meters: silentMeters };
    plane = await startPlane({ name: 'hub', runtime, role: 'hub' });
    client = rawClient(await plane.kubeconfig());
  });
  after(async () => {
    await client.close();
    await plane.stop();
  });

  it('a good one is taken', async () => {
    assert.equal((await apply(objectWith('spec.selector', {}))).code, 201);
  });

  it('an unknown field: refused with its path when kubectl asks strictly, else dropped with a warning', async () => {
    const object = objectWith(`${loader}.modprobe.modulName`, 'nic');
    const strict = await apply(object, '?fieldValidation=Strict');
    assert.equal(strict.code, 400);
    assert.match(strict.text, /unknown field "spec\.moduleSpec\.moduleLoader\.container\.modprobe\.modulName"/);
    const lenient = await apply(object, '?fieldValidation=Warn');
    assert.equal(lenient.code, 201);
    assert.match(lenient.warning, /unknown field .*modprobe\.modulName/);
  });

  // What is wrong, where, and how the field is called in the answer.
  const refused: [string, string, unknown, string][] = [
    [
      'neither literal nor regexp [117]',
      first,
      { containerImage: 'i:1' },
      `${loader}.kernelMappings[0]: .*exactly one of literal and regexp`,
    ],
    [
      'both literal and regexp [117]',
      first,
      { ...mapping, literal: '6.1' },
      `${loader}.kernelMappings[0]: .*exactly one of literal and regexp`,
    ],
    ['a mapping without any image [119]', first, { regexp: '.' }, `${loader}: .*expected an image for every mapping`],
    [
      'an image without tag or digest [120]',
      `${first}.containerImage`,
      'registry.example/nic',
      `${loader}.kernelMappings[0]: .*tag or a digest`,
    ],
    [
      'an image of the container without tag or digest [120]',
      `${loader}.containerImage`,
      'nic',
      `${loader}: .*tag or a digest`,
    ],
    ['no mappings [132]', `${loader}.kernelMappings`, [], `${loader}.kernelMappings: .*at least 1`],
    [
      'a loading order of one [122]',
      `${loader}.modprobe.modulesLoadingOrder`,
      ['nic'],
      `${loader}.modprobe: .*at least two`,
    ],
    [
      'a loading order that begins with another [122]',
      `${loader}.modprobe.modulesLoadingOrder`,
      ['a', 'nic'],
      `${loader}.modprobe: .*moduleName as the first`,
    ],
    [
      'a loading order with one twice [122]',
      `${loader}.modprobe.modulesLoadingOrder`,
      ['nic', 'a', 'a'],
      `${loader}.modprobe: .*once`,
    ],
    ['a name of two words', `${loader}.modprobe.moduleName`, 'nic; reboot', `${loader}.modprobe.moduleName: .*match`],
    ['a folder with a line break', `${loader}.modprobe.dirName`, '/opt\nx', `${loader}.modprobe.dirName: .*match`],
    ['firmware with a space', `${loader}.modprobe.firmwarePath`, '/a b', `${loader}.modprobe.firmwarePath: .*match`],
    [
      'an in-tree module with a tab',
      `${first}.inTreeModulesToRemove`,
      ['a\tb'],
      `${loader}.kernelMappings[0].inTreeModulesToRemove[0]: .*match`,
    ],
    [
      'a volume of the host’s files',
      'spec.moduleSpec.devicePlugin.volumes.0.hostPath.path',
      '/etc/shadow',
      'spec.moduleSpec.devicePlugin: .*hostPath',
    ],
    [
      'a volume that climbs',
      'spec.moduleSpec.devicePlugin.volumes.0.hostPath.path',
      '/dev/../etc',
      'spec.moduleSpec.devicePlugin: .*hostPath',
    ],
    [
      'a toleration with a hostile key',
      'spec.moduleSpec.tolerations.0.key',
      '$(reboot)',
      'spec.moduleSpec.tolerations[0]: .*key',
    ],
    ['a group with a hostile name', 'spec.rollout.groups.0.name', '../x', 'spec.rollout.groups[0].name: .*match'],
    ['a wrong type', 'spec.moduleSpec.selector', { a: 1 }, 'spec.moduleSpec.selector.a: .*must be of type string'],
    [
      'a text beyond all measure',
      'spec.moduleSpec.imageRepoSecret',
      { name: 'x'.repeat(300) },
      'spec.moduleSpec.imageRepoSecret.name: .*Too long',
    ],
    ['an unknown policy', 'spec.deletionPolicy', 'Maybe', 'spec.deletionPolicy: .*supported values'],
  ];
  for (const [what, at, value, expected] of refused)
    it(`${what}: refused with the field`, async () => {
      const { code, text } = await apply(objectWith(at, value));
      assert.equal(code, 422, text);
      assert.match(text, new RegExp(expected.replaceAll(/[[\]]/g, '\\$&')));
    });

  for (const [at, shown = at] of [
    ['spec.selector'],
    ['spec.spokeNamespace'],
    ['spec.moduleSpec.selector'],
    [loader],
    [`${loader}.modprobe`],
    [`${loader}.kernelMappings`],
    [`${first}.build.dockerfileConfigMap`, `${loader}.kernelMappings[0].build.dockerfileConfigMap`],
    [`${first}.sign.keySecret`, `${loader}.kernelMappings[0].sign.keySecret`],
    [`${first}.sign.certSecret`, `${loader}.kernelMappings[0].sign.certSecret`],
    ['spec.moduleSpec.devicePlugin.container'],
    ['spec.moduleSpec.devicePlugin.container.image'],
    ['spec.moduleSpec.devicePlugin.volumes.0.name', 'spec.moduleSpec.devicePlugin.volumes[0].name'],
    ['spec.moduleSpec.devicePlugin.volumes.0.hostPath.path', 'spec.moduleSpec.devicePlugin.volumes[0].hostPath.path'],
    ['spec.rollout.groups.0.name', 'spec.rollout.groups[0].name'],
  ] as const)
    it(`${shown} missing: refused with its path [217] [219]`, async () => {
      const { code, text } = await apply(objectWith(at, undefined));
      assert.equal(code, 422, text);
      assert.ok(text.includes(`${shown}: Required value`), text);
    });
});
