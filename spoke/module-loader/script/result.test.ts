import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelConfig } from '../../../e2e/world/kernel/kernel.ts';
import { type ImageOptions, ScriptHost, shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const release = '5.14.0-427.el9.x86_64';
const a = { modules: [{ name: 'kmm_ci_a' }], firmware: { 'fw.bin': '1' } };

interface Failure {
  title: string;
  config?: Partial<KernelConfig>;
  image?: Partial<ImageOptions>;
  moduleName?: string;
  change?: (image: string) => Promise<void>;
  reason: string;
  message: RegExp;
}

const keyMissing = { trustedSigners: ['vendor'] };
const failures: readonly Failure[] = [
  {
    title: 'a key that the kernel does not trust',
    config: keyMissing,
    image: { modules: [{ name: 'kmm_ci_a', signedBy: 'somebody' }] },
    reason: 'RequiredKeyNotAvailable',
    message: /^modprobe: ERROR: could not insert 'kmm_ci_a': Required key not available; the node trusts no key/,
  },
  {
    title: 'a missing signature on newer kernels',
    config: { ...keyMissing, signatureErrno: 'EKEYREJECTED' },
    reason: 'RequiredKeyNotAvailable',
    message: /Key was rejected by service/,
  },
  {
    title: 'a locked down kernel',
    config: { ...keyMissing, signatureErrno: 'EPERM' },
    reason: 'ModprobeFailed',
    message: /Operation not permitted; the kernel is locked down/,
  },
  {
    title: 'a module of another kernel',
    image: { modules: [{ name: 'kmm_ci_a', release: '4.18.0' }] },
    reason: 'InvalidModuleFormat',
    message: /Exec format error; the module is not built for kernel 5\.14\.0-427\.el9\.x86_64$/,
  },
  {
    title: 'an image without the module',
    moduleName: 'kmm_ci_b',
    reason: 'ModuleNotFound',
    message: /^modprobe: FATAL: Module kmm_ci_b not found in directory \/opt\/lib\/modules\/5\.14\.0-427\.el9\.x86_64$/,
  },
  {
    title: 'an image without the kernel’s folder',
    change: (image) => rm(join(image, 'opt/lib/modules'), { recursive: true }),
    reason: 'ModuleNotFound',
    message: /the image has no folder \/opt\/lib\/modules\/5\.14\.0-427\.el9\.x86_64$/,
  },
  {
    title: 'an image without modules.dep [214]',
    image: { modulesDep: false },
    reason: 'NoModulesDep',
    message: /run depmod -b \/opt 5\.14\.0-427\.el9\.x86_64 when the image is built$/,
  },
  {
    title: 'a modules.dep that is older than the module [214]',
    change: (image) => writeFile(join(image, 'opt/lib/modules', release, 'modules.dep'), ''),
    reason: 'NoModulesDep',
    message: /depmod -b \/opt 5\.14/,
  },
  {
    title: 'a module that misses another one',
    image: { modules: [{ name: 'kmm_ci_a', depends: ['absent'] }] },
    reason: 'ModprobeFailed',
    message: /Unknown symbol in module/,
  },
  {
    title: 'a modprobe that ends well and has loaded nothing',
    config: { builtIn: ['kmm_ci_a'] },
    reason: 'ModprobeFailed',
    message: /^modprobe ended well, but the kernel has no module kmm_ci_a$/,
  },
];

for (const shell of shellsOfThisMachine()) {
  describe(`the loader script, results, under ${shell.name}`, () => {
    let host: ScriptHost;
    const start = async (config: Partial<KernelConfig> = {}) => {
      host = await ScriptHost.start(shell, { release, ...config }, Math.random);
    };
    afterEach(() => host.stop());

    for (const { title, config, image: options, moduleName, change, reason, message } of failures) {
      it(`tells modprobe's own line and the reason of ${title}, and leaves nothing [205]`, async () => {
        await start(config);
        const image = await host.image({ ...a, ...options });
        await change?.(image);
        const spec = { firmware: '/firmware', ...(moduleName && { moduleName }) };
        const { code, result } = await host.call(image, 'run', spec);
        assert.deepEqual([code, result?.verb, result?.result, result?.reason], [1, 'run', 'Failed', reason]);
        assert.match(result?.message ?? '', message);
        assert.deepEqual([result?.boot, result?.hash], [host.kernel.bootId, '0123456789abcdef']);
        assert.deepEqual(
          ['run/kmm/ns.ci', 'var/lib/firmware/fw.bin'].filter((path) => existsSync(host.path(path))),
          [],
        );
      });
    }

    it('writes the same line to the log and to the termination log', async () => {
      await start();
      const image = await host.image({ ...a, modprobe: false });
      const { log } = await host.call(image, 'run', {});
      assert.equal(
        log.trimEnd().split('\n').at(-1),
        (await readFile(join(image, 'dev/termination-log'), 'utf8')).trimEnd(),
      );
    });

    it('is one line of valid JSON of at most 2,048 bytes, whatever modprobe prints', async () => {
      await start();
      const image = await host.image(a);
      const printed = Buffer.concat([
        Buffer.from(`dropped line\n${'long '.repeat(1000)}\n`),
        Buffer.from('tab\tquote" back\\slash \x01\x1b[31m\x7f é € 😀 '),
        Buffer.from([0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xc0, 0xaf, 0xf4, 0x90, 0x80, 0x80]),
        Buffer.from('\n%s $(id) `id` \\n Required key not available\n'),
        Buffer.from([0xe2, 0x82]),
      ]);
      await writeFile(join(image, 'printed'), printed);
      await writeFile(join(image, 'usr/sbin/modprobe'), '#!/bin/sh\ncat "$ROOT/printed" >&2\nexit 1\n');
      const { result } = await host.call(image, 'run', {});
      const line = await readFile(join(image, 'dev/termination-log'), 'utf8');
      assert.ok(line.length <= 2048, `expected at most 2048 bytes, got ${line.length}`);
      assert.match(line, /^[\x20-\x7e]+\n$/);
      const bad = '\u{fffd}';
      const tail = `tab\tquote" back\\slash \x01\x1b[31m\x7f é € 😀 ${bad}${bad}(${bad}${bad}${bad}\n%s $(id) \`id\` \\n Required key not available\n${bad}`;
      const message = result?.message ?? '';
      assert.match(message, /^\.\.\./);
      assert.ok(message.includes(`long \n${tail}; the node`), JSON.stringify(message));
      assert.equal(result?.reason, 'RequiredKeyNotAvailable');
    });

    it('keeps its bounds with many and odd holders', async () => {
      await start();
      const users = Array.from({ length: 80 }, (_, index) => `a_rather_long_module_name_${index}`);
      const image = await host.image(a);
      await host.load(image, {});
      const holders = [...users, 'quo"te', '[permanent]'].join(',');
      await rm(host.path('proc/modules'));
      await writeFile(host.path('proc/modules'), `kmm_ci_a 16384 81 ${holders}, Live 0x0000000000000000 (OE)\n`);
      const { result } = await host.call(image, 'unload', {});
      const line = await readFile(join(image, 'dev/termination-log'), 'utf8');
      assert.ok(line.length <= 2048, `expected at most 2048 bytes, got ${line.length}`);
      assert.deepEqual(result?.holders.slice(0, 2), users.slice(0, 2));
      assert.equal(result?.reason, 'ModuleInUse');
    });
  });
}
