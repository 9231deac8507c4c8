/**
 * Stand-in for buildah, run as a program in the modelled nodes: `build` (or `bud`) and `push`, with the options of
 * `buildah-arguments.ts`. It compiles nothing: the modules that the Dockerfile would have made are stand-ins too.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseReference } from '../../../shared/registry/reference.ts';
import { koFile, vermagicOf } from '../kernel/ko.ts';
import { buildModuleImage } from '../registry/module-image.ts';
import type { OciImage } from '../registry/oci-image.ts';
import { pushImage } from '../registry/push.ts';
import { BuildFailure, type BuildPlan, planBuild } from './build-plan.ts';
import { type BuildahCall, readBuildahCall } from './buildah-arguments.ts';
import { keepImage, keptImage } from './image-folder.ts';
import { pushTarget } from './trust.ts';

const root = process.env['ROOT'] ?? '';

async function build(call: BuildahCall): Promise<void> {
  const file = only(call, 'file') ?? join(call.operands[0] ?? '.', 'Dockerfile');
  const volumes = (call.options.get('volume') ?? []).map((volume) => volume.split(':'));
  const plan = planBuild({
    dockerfile: await readFile(file, 'utf8'),
    arguments: new Map((call.options.get('build-arg') ?? []).map((argument) => pair(argument))),
    isThere: (path) =>
      volumes.some(([from = '', to = '']) => path.startsWith(`${to}/`) && existsSync(from + path.slice(to.length))),
  });
  for (const step of plan.steps) print(step);
  print(
    `stand-in builder: nothing was compiled; modules: ${plan.modules.map(({ name }) => name).join(', ') || 'none'}`,
  );
  const image = await imageOf(plan);
  const name = only(call, 'tag') ?? '';
  await keepImage(storage(call), name, image);
  print(`COMMIT ${name}`);
}

function imageOf({ modules, firmware: files, depmod, from }: BuildPlan): Promise<OciImage> {
  const kernels: Record<string, Record<string, Buffer>> = {};
  for (const { kernel, name } of modules) {
    kernels[kernel] = { ...kernels[kernel], [`${name}.ko`]: koFile({ name, vermagic: vermagicOf(kernel) }) };
  }
  const [first] = modules;
  const where = first && { dirName: first.dirName, folder: first.folder };
  const comment = `made by a stand-in of buildah from ${from.join(', ') || 'scratch'}`;
  const firmware = Object.fromEntries(files.map((name) => [name, `stand-in of ${name}`]));
  return buildModuleImage({ kernels, firmware, modulesDep: depmod, comment, ...where });
}

async function push(call: BuildahCall): Promise<void> {
  const [name = '', to = `docker://${name}`] = call.operands;
  const image = await keptImage(storage(call), name);
  const parsed = parseReference(to.replace(/^docker:\/\//, ''));
  if (parsed.kind === 'invalid') throw new Error(parsed.message);
  const { reference } = parsed;
  const { login, ...registry } = pushTarget(reference, {
    root,
    certificateFolder: only(call, 'cert-dir'),
    verify: only(call, 'tls-verify') !== 'false',
    loginFile: only(call, 'authfile'),
  });
  const at = {
    repository: reference.repository,
    tag: reference.tag ?? 'latest',
    ...(login !== undefined && { login }),
  };
  await pushImage(registry, at, image);
  const digestFile = only(call, 'digestfile');
  if (digestFile !== undefined) await writeFile(digestFile, image.digest);
  print(`stand-in builder: pushed ${to}`);
}

function storage(call: BuildahCall): string {
  return join(only(call, 'root') ?? join(root, 'var/lib/containers/storage'), 'stand-in');
}

function only(call: BuildahCall, option: string): string | undefined {
  return call.options.get(option)?.at(-1);
}

function pair(argument: string): [string, string] {
  const [name = '', ...value] = argument.split('=');
  return [name, value.join('=')];
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const call = readBuildahCall(process.argv.slice(2));
  if (call.command === 'build' || call.command === 'bud') return build(call);
  if (call.command === 'push') return push(call);
  throw new Error(`unknown command ${JSON.stringify(call.command)} for "buildah"`);
}

try {
  await main();
} catch (error) {
  if (error instanceof BuildFailure) for (const step of error.steps) print(step);
  process.stderr.write(`Error: ${error instanceof Error ? error.message : String(error)}\n`);
  // buildah's own code for what did not begin or did not end well.
  process.exitCode = 125;
}
