import type { ImageTarget, RegistryClient } from '../registry/client.ts';
import { RegistryFailure, type RegistryReason } from '../registry/failure.ts';
import { type ImageManifest, type Platform, readPlatformImage } from '../registry/image-manifest.ts';
import type { RepositorySession } from '../registry/session.ts';
import { type ArchiveReason, ArchiveRefused } from './files/archive-refused.ts';
import { readTree } from './files/image-files.ts';
import { layersOf } from './files/image-layers.ts';
import { type ExpectedModule, findModule, type ModuleBadReason, readModule } from './module-checks.ts';

export type BadReason = ModuleBadReason | ArchiveReason | 'ImageMissing' | 'PlatformMissing';

/** What an image was found to be. `digest` is of the top-level manifest or index: what ships. Only `unknown` may change by itself. */
export type Verification =
  | { kind: 'good'; digest: string }
  | { kind: 'bad'; reason: BadReason; message: string }
  | { kind: 'unknown'; reason: RegistryReason; message: string; retryAfterMs?: number | undefined };

export interface VerifyOptions {
  client: RegistryClient;
  target: ImageTarget;
  platform: Platform;
  expected: ExpectedModule;
}

/**
 * Whether an image holds the module that is to be loaded from it. Never throws an operating error. Cost: each layer is downloaded and unpacked once, those
 * with the module and `modules.dep` twice; memory is that of the names.
 */
export async function verifyImage({ client, target, platform, expected }: VerifyOptions): Promise<Verification> {
  try {
    return await client.within(target, {}, async (session): Promise<Verification> => {
      const found = await readPlatformImage(session, target.reference, platform);
      if (found === undefined) return bad('ImageMissing', 'the image is not in the registry');
      const { digest, manifest } = found;
      if (manifest === undefined)
        return bad('PlatformMissing', `the image is not there for ${platform.os}/${platform.architecture}`);
      const trouble = await troubleOf(session, manifest, expected);
      return trouble === null ? { kind: 'good', digest } : bad(trouble.reason, trouble.message);
    });
  } catch (error) {
    if (error instanceof ArchiveRefused) return bad(error.reason, error.message);
    if (!(error instanceof RegistryFailure)) throw error;
    return { kind: 'unknown', reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs };
  }
}

async function troubleOf(session: RepositorySession, manifest: ImageManifest, expected: ExpectedModule) {
  const { layers } = await layersOf(session, manifest);
  const found = findModule(await readTree(layers), expected);
  return found.kind === 'trouble' ? found : readModule(layers, found, expected);
}

function bad(reason: BadReason, message: string): Verification {
  return { kind: 'bad', reason, message };
}
