import assert from 'node:assert/strict';
import { buildRecipe } from './testing/requests.ts';
import { namesToolkit, type ToolkitSources, toolkitImage, usesToolkit } from './toolkit.ts';

const kernel = '5.14.0-284.el9.x86_64';
const coreOs = (build: string) => `Red Hat Enterprise Linux CoreOS ${build} (Plow)`;
const node = (kernelVersion: string, build: string) => ({ kernelVersion, osImage: coreOs(build) });
const older = '411.86.202210072320-0';
const newer = '412.86.202301010000-0';
const tags = [
  { name: 'latest', image: 'r.example/dtk@latest' },
  { name: older, image: 'r.example/dtk@older' },
  { name: newer, image: 'r.example/dtk@newer' },
];

describe('DTK_AUTO', () => {
  for (const [what, sources, expected] of [
    ['the image stream’s tag of the OS build of a node', { nodes: [node(kernel, older)], tags }, 'r.example/dtk@older'],
    ['the same for a kernel with a +', { nodes: [node(`${kernel}+`, older)], tags }, 'r.example/dtk@older'],
    [
      'the later of two OS builds with one kernel',
      { nodes: [node(kernel, newer), node(kernel, older)], tags },
      'r.example/dtk@newer',
    ],
    [
      'the OS build that has a tag',
      { nodes: [node(kernel, '499.0.1-0'), node(kernel, older)], tags },
      'r.example/dtk@older',
    ],
    [
      'the table’s image before all others',
      { table: { [kernel]: ' r.example/mine:1\n' }, nodes: [node(kernel, older)], tags },
      'r.example/mine:1',
    ],
  ] satisfies readonly (readonly [string, ToolkitSources, string])[]) {
    it(`is ${what} [67]`, () => assert.deepEqual(toolkitImage(kernel, sources), { kind: 'known', image: expected }));
  }

  it('is looked up in the table by the normalised kernel', () => {
    const table = { '6.1.0-rc1_2': 'r.example/mine:1' };
    assert.deepEqual(toolkitImage('6.1.0-rc1~2', { table }), { kind: 'known', image: 'r.example/mine:1' });
  });

  for (const [what, sources, expected] of [
    ['no node runs the kernel', { nodes: [node('6.1.0', older)], tags }, /no node here runs it/],
    [
      'the node’s OS names no build',
      { nodes: [{ kernelVersion: kernel, osImage: 'Debian GNU/Linux 12' }], tags },
      /its nodes name no OS build/,
    ],
    [
      'the build has no tag',
      { nodes: [node(kernel, '413.92.202401010000-0')], tags },
      /no tag 413\.92\.202401010000-0/,
    ],
    ['nothing is known at all', {}, /no node here runs it/],
    ['the table’s entry is empty', { table: { [kernel]: '  ' } }, /no node here runs it/],
  ] satisfies readonly (readonly [string, ToolkitSources, RegExp])[]) {
    it(`is not known when ${what}, and what to do is said [67]`, () => {
      const result = toolkitImage(kernel, sources);
      assert.ok(result.kind === 'unknown');
      assert.match(result.message, expected);
      assert.match(
        result.message,
        new RegExp(`kernel ${kernel}: .*ConfigMap kmm-driver-toolkit-images, key ${kernel}`),
      );
    });
  }

  it('matters to a Dockerfile that names it, unless a build argument says it', () => {
    assert.equal(usesToolkit('ARG DTK_AUTO\nFROM $DTK_AUTO'), true);
    assert.equal(usesToolkit('FROM gcc:14'), false);
    const build = { ...buildRecipe().build!, args: [{ name: 'DTK_AUTO', value: 'mine' }] };
    assert.deepEqual([buildRecipe(), buildRecipe({ build })].map(namesToolkit), [false, true]);
  });
});
