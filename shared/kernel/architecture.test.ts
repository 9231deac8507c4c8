import assert from 'node:assert/strict';
import { architectureOf } from './architecture.ts';

describe('the architecture of a kernel', () => {
  for (const [kernel, expected] of [
    ['5.14.0-570.12.1.el9_6.x86_64', 'amd64'],
    ['5.14.0-570.12.1.el9_6.aarch64', 'arm64'],
    ['5.14.0-570.12.1.el9_6.aarch64+', 'arm64'],
    ['5.14.0-570.12.1.el9_6.s390x', 's390x'],
    ['5.14.0-570.12.1.el9_6.ppc64le', 'ppc64le'],
    ['6.1.0-44-cloud-amd64', 'amd64'],
    ['6.1.0-44-arm64', 'arm64'],
    ['6.1.0-44-powerpc64le', 'ppc64le'],
    ['6.8.0-45-generic', undefined],
    ['6.8.0-45-notx86_64', undefined],
    ['6.8.0.x86_64.fixed', undefined],
  ] as const) {
    it(`${kernel} is ${expected ?? 'not named'}`, () => assert.equal(architectureOf(kernel), expected));
  }
});
