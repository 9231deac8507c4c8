import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, utimes } from 'node:fs/promises';
import fc from 'fast-check';
import type { ScriptContainer } from '../../../e2e/world/kernel/script-container.ts';
import { type LoaderSpec, ScriptHost, shellsOfThisMachine } from '../../../e2e/world/kernel/script-host.ts';

const release = '5.14.0-427.el9.x86_64';
type Module = 'ns.one' | 'ns.two';
type Step =
  | { step: 'run' | 'killWhileLoading'; module: Module; moduleName: string; hash: string }
  | { step: 'stop' | 'kill' | 'unload-any'; module: Module }
  | { step: 'foreignLoad'; moduleName: string }
  | { step: 'hold' | 'release' | 'vanish'; moduleName: string }
  | { step: 'reboot' };

const module = fc.constantFrom<Module>('ns.one', 'ns.two');
const moduleName = fc.constantFrom('kmm_x', 'kmm_y');
const hash = fc.constantFrom('aaaa', 'bbbb');
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ step: fc.constant('run' as const), module, moduleName, hash }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('killWhileLoading' as const), module, moduleName, hash }) },
    {
      weight: 6,
      arbitrary: fc.record({ step: fc.constantFrom('stop' as const, 'kill' as const, 'unload-any' as const), module }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        step: fc.constantFrom('hold' as const, 'release' as const, 'vanish' as const, 'foreignLoad' as const),
        moduleName,
      }),
    },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('reboot' as const) }) },
  ),
  { minLength: 3, maxLength: 9 },
);

/** A node on which steps happen, and what must hold after each. */
class Story {
  readonly #host: ScriptHost;
  readonly #image: string;
  readonly #running = new Map<Module, { container: ScriptContainer; spec: LoaderSpec }>();
  readonly #foreign = new Set<string>();

  constructor(host: ScriptHost, image: string) {
    this.#host = host;
    this.#image = image;
  }

  async take(step: Step): Promise<void> {
    const before = await this.#markers();
    const events = this.#host.kernel.history.length;
    await this.#act(step);
    const after = await this.#markers();
    const removed = this.#host.kernel.history.slice(events).filter(({ call, errno }) => call === 'remove' && !errno);
    const actor = 'module' in step ? step.module : undefined;
    for (const { name } of removed) {
      const owners = [...before].filter(([, marker]) => marker.modules.includes(name)).map(([owner]) => owner);
      assert.deepEqual(owners, [actor], `${name} was removed by ${actor}, owned by ${owners}`);
    }
    const listed = [...after.values()].flatMap(({ modules }) => modules);
    assert.equal(new Set(listed).size, listed.length, `expected one owner for each module, got ${listed}`);
    for (const { name } of this.#host.kernel.modules()) {
      assert.ok(
        listed.includes(name) !== this.#foreign.has(name),
        `${name} is loaded: markers list ${listed}, foreign ${[...this.#foreign]}`,
      );
    }
    for (const [owner, { phase, firmware }] of after) {
      // Who was killed while it unloaded has put them aside: the next verb puts them back.
      const places = ['var/lib/firmware', `var/lib/firmware/.kmm-${owner}`];
      const isThere = (file: string) => places.some((place) => existsSync(this.#host.path(`${place}/${file}`)));
      assert.deepEqual(
        firmware.filter((file) => phase === 'loaded' && !isThere(file)),
        [],
        'firmware that a marker lists',
      );
    }
  }

  async #act(step: Step): Promise<void> {
    const { kernel } = this.#host;
    if (step.step === 'run') await this.#run(step);
    else if (step.step === 'killWhileLoading') await this.#killWhileLoading(step);
    else if (step.step === 'kill') await this.#kill(step.module);
    else if (step.step === 'stop') await this.#stop(step.module);
    else if (step.step === 'unload-any') await this.#host.call(this.#image, 'unload-any', this.#spec(step.module));
    else if (step.step === 'reboot') await this.#reboot();
    else if (step.step === 'foreignLoad') await this.#foreignLoad(step.moduleName);
    else if ('moduleName' in step && kernel.isLoaded(step.moduleName)) {
      const { useCount } = kernel.modules().find(({ name }) => name === step.moduleName)!;
      if (step.step === 'hold') await kernel.hold(step.moduleName);
      else if (step.step === 'release' && useCount > 0) await kernel.releaseHold(step.moduleName);
      else if (step.step === 'vanish' && useCount === 0) await this.#vanish(step.moduleName);
    }
  }

  /** A Module's pod is made anew for another spec; kubelet starts it when the old one is gone, unloaded or not. */
  async #run({ module, moduleName, hash }: { module: Module; moduleName: string; hash: string }): Promise<void> {
    await this.#kill(module);
    const spec = specOf({ module, moduleName, hash });
    const container = await this.#host.start(this.#image, 'run', spec);
    const loaded = await container.loaded().then(
      () => true,
      () => false,
    );
    if (loaded) this.#running.set(module, { container, spec });
  }

  async #killWhileLoading({ module, moduleName, hash }: { module: Module; moduleName: string; hash: string }) {
    await this.#kill(module);
    const go = this.#host.kernel.pause();
    const container = await this.#host.start(this.#image, 'run', specOf({ module, moduleName, hash }));
    const over = () => undefined; // it ended before, or had nothing to do
    await Promise.race([container.logged('modprobe -'), container.loaded()]).catch(over);
    await container.kill('SIGKILL');
    const lock = this.#host.path('run/kmm/.lock');
    if (existsSync(lock)) await utimes(lock, 1, 1);
    go();
  }

  async #kill(module: Module): Promise<void> {
    await this.#running.get(module)?.container.kill('SIGKILL');
    this.#running.delete(module);
  }

  async #stop(module: Module): Promise<void> {
    const running = this.#running.get(module);
    if (running === undefined) return;
    const { result } = await this.#host.call(this.#image, 'unload', running.spec);
    await running.container.kill('SIGTERM');
    this.#running.delete(module);
    const owned = (await this.#markers()).get(module)?.modules ?? [];
    assert.equal(
      result?.result === 'Failed',
      owned.length > 0,
      `${result?.result} ${result?.reason}, but its marker lists ${owned}`,
    );
  }

  async #reboot(): Promise<void> {
    for (const module of [...this.#running.keys()]) await this.#kill(module);
    await this.#host.kernel.reboot();
    this.#foreign.clear();
  }

  async #foreignLoad(name: string): Promise<void> {
    const listed = [...(await this.#markers()).values()].some(({ modules }) => modules.includes(name));
    if (listed || this.#host.kernel.isLoaded(name)) return;
    await this.#host.kernel.forceLoad(name);
    this.#foreign.add(name);
  }

  async #vanish(name: string): Promise<void> {
    await this.#host.kernel.forceRemove(name);
    this.#foreign.delete(name);
  }

  /** With another name than what the marker may list: the arguments of a newer pod. */
  #spec(module: Module): LoaderSpec {
    return this.#running.get(module)?.spec ?? { module, moduleName: 'kmm_x', hash: 'cccc' };
  }

  async #markers() {
    const folder = this.#host.path('run/kmm');
    const names = existsSync(folder) ? (await readdir(folder)).filter((name) => !name.startsWith('.')) : [];
    const markers = new Map<string, { phase: string; modules: string[]; firmware: string[] }>();
    for (const name of names) {
      const text = await readFile(`${folder}/${name}`, 'utf8');
      const values = (key: string) =>
        [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map((match) => match[1] ?? '');
      const [phase = '', boot] = [values('phase')[0], values('boot')[0]];
      if (boot === this.#host.kernel.bootId)
        markers.set(name, { phase, modules: values('module'), firmware: values('firmware') });
    }
    return markers;
  }
}

/** A load hash stands for all that the loader does: it never has two module names. */
function specOf({ module, moduleName, hash }: { module: Module; moduleName: string; hash: string }): LoaderSpec {
  return { module, moduleName, hash: `${hash}-${moduleName}`, firmware: '/firmware' };
}

describe('the loader script, any sequence of runs, unloads, kills and reboots', () => {
  it('unloads only what its own marker lists, and leaves nothing of ours loaded without a marker', async () => {
    const shell = shellsOfThisMachine().at(-1)!;
    const property = fc.asyncProperty(steps, async (list) => {
      const host = await ScriptHost.start(shell, { release }, Math.random);
      try {
        const modules = [{ name: 'kmm_x' }, { name: 'kmm_y' }];
        const story = new Story(host, await host.image({ modules, firmware: { 'shared.bin': '1' } }));
        for (const step of list) await story.take(step);
      } finally {
        await host.stop();
      }
    });
    await fc.assert(property, { numRuns: 10, endOnFailure: true });
  });
});
