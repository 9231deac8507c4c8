import assert from 'node:assert/strict';
import { debianPrograms, type PackagesHost } from './programs.ts';

/** A machine that has `there`, and where installing brings `brings`. */
function machine(there: string[], options: { brings?: string[]; refusal?: string; breaks?: string } = {}) {
  const installed: string[][] = [];
  const host: PackagesHost = {
    find: (program) => (there.includes(program) ? `/usr/bin/${program}` : undefined),
    refusal: options.refusal,
    async install(packages) {
      installed.push([...packages]);
      if (options.breaks !== undefined) throw new Error(options.breaks);
      there.push(...(options.brings ?? []));
    },
  };
  return { host, installed };
}

describe('programs of Debian’s packages', () => {
  it('are taken where they are, and nothing is installed', async () => {
    const { host, installed } = machine(['buildah']);
    const found = await debianPrograms(['buildah'], host);
    assert.equal(found.kind === 'there' && found.pathOf('buildah'), '/usr/bin/buildah');
    assert.deepEqual(installed, []);
  });

  it('are installed where they are missing, only those', async () => {
    const { host, installed } = machine(['buildah'], { brings: ['unshare', 'skopeo'] });
    assert.equal((await debianPrograms(['unshare', 'buildah', 'skopeo'], host)).kind, 'there');
    assert.deepEqual(installed, [['skopeo', 'util-linux']]);
  });

  const refusals: [what: string, options: Parameters<typeof machine>[1], why: RegExp][] = [
    ['somebody who is not root', { refusal: 'only root may install packages' }, /only root may install packages/],
    ['an apt-get that breaks', { breaks: 'no network' }, /no network/],
    ['a package without its program', {}, /installing did not bring them/],
  ];
  for (const [what, options, why] of refusals) {
    it(`are named with both ways out for ${what}`, async () => {
      const found = await debianPrograms(['docker-registry', 'buildah'], machine(['buildah'], options).host);
      const message = found.kind === 'missing' ? found.message : '';
      assert.match(message, why);
      assert.match(message, /expected docker-registry on the PATH/);
      assert.match(
        message,
        /run this as root on Debian 12 .* or install them yourself: apt-get install docker-registry\./,
      );
    });
  }
});
