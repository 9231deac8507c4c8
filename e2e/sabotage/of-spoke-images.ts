import type { Breakage } from './breakages.ts';

const resolve = { file: 'spoke/module-loader/resolve.ts', test: 'spoke/module-loader/images.test.ts' };

/** How a spoke makes images, and what it loads of them. */
export const spokeImageBreakages: readonly Breakage[] = [
  {
    why: 'two namespaces make one image at the same time',
    file: 'shared/making/places.ts',
    find: 'other !== user && other.isBusy(image)',
    replace: 'false',
    test: 'shared/making/life.test.ts',
    title: 'is one piece of work for two namespaces',
  },
  {
    why: 'what another namespace has just made is made again',
    file: 'shared/making/decide.ts',
    find: "if (mayStart && askedMs <= heldMs) return always({ kind: 'ask' }, { state: 'Checking' });",
    replace: '',
    test: 'shared/making/decide.test.ts',
    title: 'waits while another namespace makes the same image',
  },
  {
    why: 'images are made in a namespace that allows it by half',
    file: 'spoke/images/permission.ts',
    find: "verbs: ['get', 'list', 'watch'] }",
    replace: "verbs: ['list', 'watch'] }",
    test: 'spoke/images/permission.test.ts',
    title: 'is so with what the ClusterRole of deploy/spoke has',
  },
  {
    why: 'a tag that moves reloads nodes',
    ...resolve,
    find: 'if (pin !== undefined && isPinOf(pin, wanted)) {',
    replace: 'if (pin !== undefined && isPinOf(pin, wanted) && known === undefined) {',
    title: 'a moved tag moves nothing',
  },
  {
    why: 'a note on a DaemonSet brings an image of another repository into kernels',
    file: 'spoke/module-loader/pin.ts',
    find: 'return isDigest(digest) && byDigest(image, digest) === pinned;',
    replace: 'return isDigest(digest);',
    test: resolve.test,
    title: 'believe no note that names another repository',
  },
  {
    why: 'an update of ours reloads what runs by its tag',
    ...resolve,
    find: 'pinOn(daemonSet) ?? adopted(picture, { daemonSet, mapping, wanted })',
    replace: 'pinOn(daemonSet)',
    title: 'nobody is reloaded for an update of ours',
  },
  {
    why: 'a build is cut off from its registry as a loader is',
    file: 'spoke/network-policy/policies.ts',
    find: "{ key: labels.kernelVersion, operator: 'Exists' },",
    replace: '',
    test: 'spoke/network-policy/decide.test.ts',
    title: 'select each of our pods once',
  },
  {
    why: 'a namespace of which it cannot be asked whether it allows images says nothing',
    file: 'spoke/images/namespace-images.ts',
    find: 'this.#trouble = trouble;',
    replace: '',
    test: 'spoke/images/namespace-images.test.ts',
    title: 'does not say whether they may be made',
  },
  {
    why: 'a namespace that took its right back is watched for ever because Jobs are left',
    file: 'spoke/images/namespace-images.ts',
    find: ' || this.#wanted.size === 0;',
    replace: ';',
    test: 'spoke/images/namespace-images.test.ts',
    title: 'though Jobs are left',
  },
  {
    why: 'what was verified for one architecture is loaded on another',
    file: 'spoke/module-loader/pin.ts',
    find: 'pin.holds === holds && isFor;',
    replace: 'pin.holds === holds;',
    test: resolve.test,
    title: 'are looked at anew for another architecture',
  },
];
