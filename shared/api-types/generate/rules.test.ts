import assert from 'node:assert/strict';
import { brokenRules, schemaChecker } from './check-object.ts';
import { managedClusterModuleKind, moduleKind } from './kinds.ts';
import { structuralSchema } from './structural.ts';

type Fields = Record<string, unknown>;
const moduleSchema = structuralSchema(moduleKind.schema);
const managedSchema = structuralSchema(managedClusterModuleKind.schema);

const names = { apiVersion: 'v', kind: 'k', metadata: { name: 'a' } };
const asModule = (spec: Fields) => ({ ...names, spec });
const asManaged = (moduleSpec: Fields) => ({ ...names, spec: { selector: {}, spokeNamespace: 'kmods', moduleSpec } });

const mapping: Fields = { literal: '6.1.0', containerImage: 'registry.example.com/a:1' };
const withContainer = (container: Fields) => ({
  selector: {},
  moduleLoader: {
    container: { kernelMappings: [mapping], modprobe: { moduleName: 'a', dirName: '/opt' }, ...container },
  },
});
const withMapping = (fields: Fields) => withContainer({ kernelMappings: [mapping, { ...mapping, ...fields }] });
const withModprobe = (modprobe: Fields) => withContainer({ modprobe: { dirName: '/opt', ...modprobe } });
const withToleration = (toleration: Fields) => ({ selector: {}, tolerations: [toleration] });
const plugin = { container: { image: 'registry.example.com/plugin:1' } };
const withHostPath = (path: string) => ({
  selector: {},
  devicePlugin: { ...plugin, volumes: [{ name: 'v', hostPath: { path } }] },
});
const withDra = (dra: Fields) => ({ selector: {}, dra: { ...plugin, driverName: 'gpu.example.com', ...dra } });
const sign = (filesToSign?: string[]) => ({
  keySecret: { name: 'key' },
  certSecret: { name: 'cert' },
  unsignedImage: 'registry.example.com/a:unsigned',
  ...(filesToSign && { filesToSign }),
});
const rawArgs = { load: ['a'], unload: ['-r', 'a'] };

/** What a rule lets through, and what it refuses with which part of its message. */
interface Table {
  title: string;
  good: Record<string, Fields>;
  bad: Record<string, Fields>;
  message: RegExp;
}

const tables: readonly Table[] = [
  {
    title: 'wants exactly one of literal and regexp in a mapping [117]',
    good: {
      literal: withMapping({}),
      'an empty literal beside a regexp': withMapping({ literal: '', regexp: '^6' }),
    },
    bad: {
      both: withMapping({ regexp: '^6' }),
      neither: withContainer({ kernelMappings: [{ containerImage: 'a:1' }] }),
      'both empty': withMapping({ literal: '', regexp: '' }),
    },
    message: /exactly one of literal and regexp/,
  },
  {
    title: 'wants an image for every mapping, its own or that of the container [119]',
    good: {
      'of the container': withContainer({ containerImage: 'a:1', kernelMappings: [{ literal: 'x' }, mapping] }),
      'empty beside one of the container': withContainer({
        containerImage: 'a:1',
        kernelMappings: [{ literal: 'x', containerImage: '' }],
      }),
    },
    bad: {
      none: withContainer({ kernelMappings: [mapping, { literal: 'x' }] }),
      'empty ones': withContainer({ containerImage: '', kernelMappings: [{ literal: 'x', containerImage: '' }] }),
    },
    message: /an image for every mapping/,
  },
  {
    title: 'wants a tag or a digest in images [120]',
    good: {
      tag: withMapping({ containerImage: 'a:1' }),
      digest: withMapping({ containerImage: 'a@sha256:0123' }),
    },
    bad: {
      'in a mapping': withMapping({ containerImage: 'registry.example.com/a' }),
      'in the container': withContainer({ containerImage: 'registry.example.com/a' }),
    },
    message: /a tag or a digest/,
  },
  {
    title: 'wants moduleName or both lists of rawArgs [121]',
    good: {
      moduleName: withModprobe({ moduleName: 'a' }),
      rawArgs: withModprobe({ rawArgs }),
      'an empty moduleName beside rawArgs': withModprobe({ moduleName: '', rawArgs }),
      'empty rawArgs beside moduleName': withModprobe({ moduleName: 'a', rawArgs: {} }),
    },
    bad: {
      both: withModprobe({ moduleName: 'a', rawArgs }),
      'moduleName and one list': withModprobe({ moduleName: 'a', rawArgs: { unload: ['a'] } }),
      neither: withModprobe({}),
      'one list only': withModprobe({ rawArgs: { load: ['a'] } }),
    },
    message: /moduleName/,
  },
  {
    title: 'wants a loading order of two or more, each once, moduleName first [122]',
    good: {
      two: withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b'] }),
      three: withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b', 'c'] }),
      'an empty list': withModprobe({ moduleName: 'a', modulesLoadingOrder: [] }),
    },
    bad: {
      one: withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a'] }),
      'another one first': withModprobe({ moduleName: 'a', modulesLoadingOrder: ['b', 'a'] }),
      'a duplicate': withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b', 'b'] }),
      'no moduleName': withModprobe({ rawArgs, modulesLoadingOrder: ['a', 'b'] }),
    },
    message: /modulesLoadingOrder/,
  },
  {
    title: 'wants one form of in-tree removal throughout [123]',
    good: {
      lists: withContainer({
        inTreeModulesToRemove: ['x'],
        kernelMappings: [{ ...mapping, inTreeModulesToRemove: ['y'] }],
      }),
      'single names': withContainer({
        inTreeModuleToRemove: 'x',
        kernelMappings: [{ ...mapping, inTreeModuleToRemove: 'y' }],
      }),
    },
    bad: {
      'both in the container': withContainer({ inTreeModuleToRemove: 'x', inTreeModulesToRemove: ['x'] }),
      'both in a mapping': withMapping({ inTreeModuleToRemove: 'x', inTreeModulesToRemove: ['x'] }),
      'name above, list below': withContainer({
        inTreeModuleToRemove: 'x',
        kernelMappings: [{ ...mapping, inTreeModulesToRemove: ['y'] }],
      }),
      'list above, name below': withContainer({
        inTreeModulesToRemove: ['x'],
        kernelMappings: [{ ...mapping, inTreeModuleToRemove: 'y' }],
      }),
    },
    message: /inTreeModulesToRemove/,
  },
  {
    title: 'wants files to sign, each under dirName [124]',
    good: {
      'in the container': withContainer({ sign: sign(['/opt/lib/modules/6.1.0/a.ko']) }),
      'in a mapping': withMapping({ sign: sign(['/opt/a.ko', '/opt/b.ko']) }),
      'under another dirName': withContainer({
        modprobe: { moduleName: 'a', dirName: '/kmods' },
        sign: sign(['/kmods/a.ko']),
      }),
    },
    bad: {
      'no list in the container': withContainer({ sign: sign() }),
      'an empty list in a mapping': withMapping({ sign: sign([]) }),
      'a file elsewhere': withMapping({ sign: sign(['/opt/a.ko', '/opt2/b.ko']) }),
      'the folder of another dirName': withContainer({
        modprobe: { moduleName: 'a', dirName: '/kmods' },
        sign: sign(['/opt/a.ko']),
      }),
    },
    message: /filesToSign/,
  },
  {
    title: 'wants tolerations that Kubernetes takes [126]',
    good: {
      everything: withToleration({ operator: 'Exists' }),
      'a value': withToleration({ key: 'example.com/a', operator: 'Equal', value: 'b', effect: 'NoSchedule' }),
      'no operator': withToleration({ key: 'a', value: 'b' }),
      seconds: withToleration({ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }),
    },
    bad: {
      'no key': withToleration({ value: 'b' }),
      'a bad key': withToleration({ key: 'a b', operator: 'Exists' }),
      'a bad operator': withToleration({ key: 'a', operator: 'Gt' }),
      'a bad effect': withToleration({ key: 'a', effect: 'NoSleep' }),
      'seconds without NoExecute': withToleration({ key: 'a', effect: 'NoSchedule', tolerationSeconds: 5 }),
      'a value with Exists': withToleration({ key: 'a', operator: 'Exists', value: 'b' }),
      'a bad value': withToleration({ key: 'a', value: 'b c' }),
    },
    message: /^(key|operator|effect|tolerationSeconds|value): expected/,
  },
  {
    title: 'wants host paths under /dev, /sys, /var, /opt or /run [127]',
    good: {
      '/dev': withHostPath('/dev'),
      below: withHostPath('/var/lib/a'),
      'a doubled slash': withHostPath('//run/./a'),
    },
    bad: {
      '/etc': withHostPath('/etc'),
      '/': withHostPath('/'),
      'a folder that begins alike': withHostPath('/device'),
      'a way out': withHostPath('/var/../etc'),
      'no leading slash': withHostPath('var/a'),
    },
    message: /hostPath/,
  },
  {
    title: 'wants at most one of dra and devicePlugin [104]',
    good: { dra: withDra({}), devicePlugin: { selector: {}, devicePlugin: plugin } },
    bad: { both: { ...withDra({}), devicePlugin: plugin } },
    message: /at most one of dra and devicePlugin/,
  },
  {
    title: 'wants a DNS name for the driver, and each device class once',
    good: { classes: withDra({ deviceClasses: [{ name: 'a' }, { name: 'b' }] }) },
    bad: {
      'a bad driver name': withDra({ driverName: 'GPU' }),
      'no driver name': withDra({ driverName: '' }),
      'a class twice': withDra({ deviceClasses: [{ name: 'a' }, { name: 'a' }] }),
    },
    message: /driverName|each name once/,
  },
];

const kinds = [
  { kind: 'a Module', schema: moduleSchema, make: asModule },
  { kind: 'a ManagedClusterModule', schema: managedSchema, make: asManaged },
];

for (const { kind, schema, make } of kinds) {
  describe(`the API server, given ${kind}`, () => {
    const errorsOf = schemaChecker(schema);

    for (const { title, good, bad, message } of tables) {
      it(title, () => {
        for (const [what, spec] of Object.entries(good)) {
          assert.deepEqual(errorsOf(make(spec)), [], what);
          assert.deepEqual(brokenRules(schema, make(spec)), [], what);
        }
        for (const [what, spec] of Object.entries(bad)) {
          assert.deepEqual(errorsOf(make(spec)), [], `${what}: refused before the rules`);
          const broken = brokenRules(schema, make(spec));
          assert.ok(broken.length > 0, `${what}: expected to be refused`);
          for (const text of broken) assert.match(text, message, what);
        }
      });
    }

    it('lets no update switch version on or off, and lets it change [116]', () => {
      const update = (before: Fields, after: Fields) =>
        brokenRules(schema, make(withContainer(after)), make(withContainer(before)));
      assert.match(update({}, { version: '1' }).join(), /version/);
      assert.match(update({ version: '1' }, { version: '' }).join(), /version/);
      assert.deepEqual(update({ version: '1' }, { version: '2' }), []);
      assert.deepEqual(update({ version: '' }, {}), []);
      assert.deepEqual(brokenRules(schema, make(withContainer({ version: '1' })), make({ selector: {} })), []);
    });

    it('accepts an update of a valid object [131]', () => {
      const spec = withContainer({ version: '1', containerImage: 'a:1', sign: sign(['/opt/a.ko']) });
      assert.deepEqual(brokenRules(schema, make({ ...spec, selector: { a: 'b' } }), make(spec)), []);
    });

    it('wants at least one mapping, and at most 256 [132]', () => {
      const withMappings = (count: number) => make(withContainer({ kernelMappings: Array(count).fill(mapping) }));
      assert.match(errorsOf(withMappings(0)).join(), /kernelMappings: must NOT have fewer than 1/);
      assert.deepEqual(errorsOf(withMappings(256)), []);
      assert.match(errorsOf(withMappings(257)).join(), /kernelMappings: must NOT have more than 256/);
    });

    it('names the path of a missing field [219]', () => {
      const errors = errorsOf(make({ moduleLoader: { container: { kernelMappings: [mapping] } } }));
      assert.match(errors.join('\n'), /(spec|moduleSpec): must have required property 'selector'/);
      assert.match(errors.join('\n'), /moduleLoader\/container: must have required property 'modprobe'/);
    });

    it('takes names of kernel modules, folders and firmware without white space only', () => {
      const bad = [
        withModprobe({ moduleName: 'a b' }),
        withModprobe({ moduleName: 'a', dirName: '/o pt' }),
        withModprobe({ moduleName: 'a', firmwarePath: '/firm\nware' }),
        withModprobe({ moduleName: 'a', modulesLoadingOrder: ['a', 'b\tc'] }),
        withContainer({ inTreeModulesToRemove: ['a b'] }),
        withMapping({ inTreeModuleToRemove: 'a b' }),
      ];
      for (const spec of bad) assert.match(errorsOf(make(spec)).join(), /must match pattern/);
      const spaced = withModprobe({ moduleName: 'a', parameters: ['name=two words'] });
      assert.deepEqual(errorsOf(make(spaced)), []);
    });
  });
}

describe('the API server, given a ManagedClusterModule', () => {
  it('never lets spokeNamespace change', () => {
    const before = asManaged({ selector: {} });
    const after = { ...before, spec: { ...before.spec, spokeNamespace: 'other' } };
    assert.deepEqual(brokenRules(managedSchema, before, before), []);
    assert.match(brokenRules(managedSchema, after, before).join(), /spokeNamespace: expected to stay/);
  });
});
