import assert from 'node:assert/strict';
import { type BuilderFacts, builderFacts, chooseBuilder } from './builder-choice.ts';

const toolkit = { kernel: '6.1.0-47-cloud-amd64', toolkit: [], base: [] };
const all: BuilderFacts = { standIn: false, buildah: '/usr/bin/buildah', isRoot: true, mayMount: true, toolkit };

describe('the builder of the demo', () => {
  it('is the real one where all is there that it takes, and builds for the kernel whose headers are kept', () => {
    assert.deepEqual(chooseBuilder(all), { kind: 'real', toolkit });
  });

  for (const [missing, why] of [
    [{ buildah: undefined }, /buildah was not found in PATH/],
    [{ toolkit: undefined }, /no compiler with the headers of a kernel/],
    [{ isRoot: false }, /not root/],
    [{ mayMount: false }, /may not mount/],
  ] as const)
    it(`is else the stand-in, with why and a way out: ${Object.keys(missing)}`, () => {
      const choice = chooseBuilder({ ...all, ...missing });
      assert.ok(choice.kind === 'stand-in');
      assert.match(choice.why, why);
      assert.match(choice.instead, /npm run e2e:toolkit/);
    });

  it('is the stand-in for who asks for it', () => {
    const choice = chooseBuilder({ ...all, standIn: true });
    assert.ok(choice.kind === 'stand-in');
    assert.match(choice.why, /--stand-in/);
    assert.doesNotMatch(choice.instead, /toolkit/);
  });

  it('is chosen by what this machine has, without a change to it', () => {
    const facts = builderFacts(false);
    assert.equal(facts.isRoot, process.getuid?.() === 0);
    assert.deepEqual(builderFacts(false), facts);
  });
});
