import assert from 'node:assert/strict';
import type { ModprobeSpec } from '@open-cluster-management/api-types';
import { loadHash } from './load-hash.ts';
import { loadArguments, unloadArguments } from './modprobe-arguments.ts';
import { softdepFile } from './softdep.ts';

const simple: ModprobeSpec = { moduleName: 'm', dirName: '/opt' };

describe('the arguments of modprobe', () => {
  const table: { title: string; modprobe: ModprobeSpec; load: string; unload: string }[] = [
    {
      title: 'name the folder of the image with -d, /opt unless it says another [29]',
      modprobe: { moduleName: 'm' } as ModprobeSpec,
      load: '-v -d /opt m',
      unload: '-rv -d /opt m',
    },
    {
      title: 'name another folder where it says so [29]',
      modprobe: { moduleName: 'm', dirName: '/usr' },
      load: '-v -d /usr m',
      unload: '-rv -d /usr m',
    },
    {
      title: 'end with the parameters when loading [30]',
      modprobe: { ...simple, parameters: ['debug=1', 'name=a b'] },
      load: '-v -d /opt m debug=1 name=a b',
      unload: '-rv -d /opt m',
    },
    {
      title: 'hold further arguments before the module name [31]',
      modprobe: { ...simple, args: { load: ['--first-time'], unload: ['-w', '100'] } },
      load: '-v -d /opt --first-time m',
      unload: '-rv -d /opt -w 100 m',
    },
    {
      title: 'are the raw ones and nothing else when there are some [32]',
      modprobe: { dirName: '/opt', rawArgs: { load: ['-d', '/x', 'y'], unload: ['-r', 'y'] }, parameters: ['a=b'] },
      load: '-d /x y',
      unload: '-r y',
    },
    {
      title: 'load the topmost of an order and unload all of it, topmost first [33]',
      modprobe: { ...simple, moduleName: 'a', modulesLoadingOrder: ['a', 'b', 'c'] },
      load: '-v -d /opt a',
      unload: '-rv -d /opt a b c',
    },
  ];
  for (const { title, modprobe, load, unload } of table) {
    it(title, () => {
      assert.equal(loadArguments(modprobe).join(' '), load);
      assert.equal(unloadArguments(modprobe).join(' '), unload);
    });
  }

  it('keep a parameter with a space in one piece', () => {
    assert.equal(loadArguments({ ...simple, parameters: ['name=a b'] }).at(-1), 'name=a b');
  });
});

describe('the softdep file', () => {
  it('has a line for each pair of neighbours [34]', () => {
    assert.equal(softdepFile(['a', 'b', 'c']), 'softdep a pre: b\nsoftdep b pre: c\n');
  });

  it('is empty without an order', () => {
    assert.equal(softdepFile([]), '');
  });
});

describe('the load hash', () => {
  const load = { image: 'i', kernel: 'k', modprobe: simple, inTreeModulesToRemove: ['x'] };
  const hash = loadHash(load);

  it('has 16 hexadecimal digits and does not depend on the order of keys or on a default', () => {
    assert.match(hash, /^[0-9a-f]{16}$/);
    assert.equal(loadHash({ ...load, modprobe: { dirName: '/opt', moduleName: 'm' } }), hash);
    assert.equal(loadHash({ ...load, modprobe: { moduleName: 'm' } as ModprobeSpec }), hash);
  });

  it('is the same in every release of ours: another one would reload every node of a fleet', () => {
    const modprobe = {
      moduleName: 'm',
      dirName: '/drivers',
      parameters: ['a=1'],
      args: { load: ['-f'], unload: ['-w'] },
      firmwarePath: '/fw',
      modulesLoadingOrder: ['m', 'n'],
    };
    assert.equal(hash, 'b1f2f53f789c4157');
    assert.equal(loadHash({ ...load, modprobe }), '2090125b52878699');
  });

  it('does not depend on whether nothing is written down or left out', () => {
    const empty = { ...simple, parameters: [], modulesLoadingOrder: [], args: {}, firmwarePath: '' };
    assert.equal(loadHash({ ...load, modprobe: empty }), hash);
    assert.equal(loadHash({ ...load, modprobe: { ...simple, args: { load: [], unload: [] } } as ModprobeSpec }), hash);
  });

  for (const [what, changed] of Object.entries({
    image: { ...load, image: 'j' },
    kernel: { ...load, kernel: 'l' },
    parameters: { ...load, modprobe: { ...simple, parameters: ['a=1'] } },
    firmware: { ...load, modprobe: { ...simple, firmwarePath: '/fw' } },
    'in-tree list': { ...load, inTreeModulesToRemove: [] },
  })) {
    it(`changes with the ${what} [46]`, () => assert.notEqual(loadHash(changed), hash));
  }
});
