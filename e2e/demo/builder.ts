import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { toolkitTableName } from '../../shared/build/toolkit.ts';
import { systemClock } from '../../shared/core/clock.ts';
import { normalised } from '../../shared/kernel/version.ts';
import { configMaps } from '../../shared/kube/resources.ts';
import { RegistryClient } from '../../shared/registry/client.ts';
import { type Fleet, hubNamespace } from '../world/fleet/fleet.ts';
import { imageTarget } from '../world/fleet/image-target.ts';
import { type LayerFile, pushLayers } from '../world/real-parts/layer-file.ts';
import { sampleSources } from '../world/real-parts/sample-driver.ts';
import { builderImage } from '../world/real-parts/step-images.ts';
import { moduleImagePrograms } from '../world/registry/module-image.ts';
import { tarOf } from '../world/registry/oci-image.ts';
import { sha256Digest } from '../world/registry/store.ts';
import type { BuilderChoice } from './builder-choice.ts';
import { kernels } from './cast.ts';

/** The builder of the demo, ready to work: what the hub's configuration and a ManagedClusterModule say of it. */
export interface DemoBuilder {
  readonly choice: BuilderChoice;
  /** The kernel that it can build for. */
  readonly kernel: string;
  /** Image of build Jobs. */
  readonly image: string;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** Name of the ConfigMap with the authorities that builders trust. */
export const trustedCa = 'trusted-authorities';

/** Kernel of the nodes that the sample is for. */
export function kernelOf(choice: BuilderChoice): string {
  return choice.kind === 'real' ? choice.toolkit.kernel : kernels.debian;
}

/** Pushes what builds start from, and tells the hub where it is. */
export async function prepareBuilder(fleet: Fleet, choice: BuilderChoice): Promise<DemoBuilder> {
  const kernel = kernelOf(choice);
  const at = (name: string) => `${fleet.registry.host}/build/${name}`;
  const toolkit = at(`toolkit:${normalised(kernel)}`);
  await store(fleet, toolkitTableName, { [normalised(kernel)]: toolkit });
  await store(fleet, trustedCa, { 'ca-bundle.crt': fleet.registry.caPem });
  const { name: sources } = await fleet.push('build/sources', '1', await sampleSources());
  const buildArgs = { SOURCE_IMAGE: sources, BASE_IMAGE: at('base:1') };
  // The stand-in does not pull what a build is based on: names will do.
  if (choice.kind === 'stand-in') return { choice, kernel, buildArgs, image: fleet.builderImage };
  const { base, toolkit: layers } = choice.toolkit;
  await push(fleet, toolkit, layers);
  await push(fleet, buildArgs.BASE_IMAGE, [...base, await standInPrograms(fleet)]);
  const { name: image } = await fleet.push('build/buildah', '1', await builderImage());
  return { choice, kernel, buildArgs, image };
}

async function push(fleet: Fleet, image: string, layers: readonly LayerFile[]): Promise<void> {
  const client = new RegistryClient({ clock: systemClock, extraCa: fleet.registry.caPem });
  const target = await imageTarget(fleet, image);
  await client.within(target, { push: true }, (session) => pushLayers(session, target.reference.tag ?? '', layers));
  await client.close();
}

/**
 * In place of the base's own `modprobe` and `sleep`: what is built is loaded by modelled nodes, and no `modprobe` of theirs
 * may ever be one that reaches this machine's kernel.
 */
async function standInPrograms(fleet: Fleet): Promise<LayerFile> {
  const archive = await tarOf(moduleImagePrograms);
  const content = gzipSync(archive);
  const path = join(fleet.folder, 'stand-in-programs.tar.gz');
  await writeFile(path, content);
  return { path, size: content.length, digest: sha256Digest(content), diffId: sha256Digest(archive) };
}

async function store(fleet: Fleet, name: string, data: Record<string, string>): Promise<void> {
  const metadata = { namespace: hubNamespace, name };
  await fleet.hub.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}
