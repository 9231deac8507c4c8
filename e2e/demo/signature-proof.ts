import { verify, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemClock } from '../../shared/core/clock.ts';
import { oneLine } from '../../shared/core/one-line.ts';
import { RegistryClient } from '../../shared/registry/client.ts';
import { moduleSignature } from '../../shared/sign/module-signature.ts';
import type { Fleet } from '../world/fleet/fleet.ts';
import { imageTarget } from '../world/fleet/image-target.ts';
import { extractLayers } from '../world/node/rootfs.ts';
import { worldPlatform } from '../world/registry/oci-image.ts';

/** What was read back of one module file. */
export interface SignatureProof {
  readonly file: string;
  /** As the kernel would show it: of whose key. */
  readonly signer: string;
  readonly digest: string;
  readonly algorithm: string;
}

/**
 * Pulls the image as a node does and reads the signature at the end of every module file for a kernel in it. Throws unless each
 * was made by the certificate's key over just that file.
 */
export async function proveSignatures(
  fleet: Fleet,
  { image, kernel, certificate }: { image: string; kernel: string; certificate: Buffer },
): Promise<SignatureProof[]> {
  const root = join(fleet.folder, 'read-back');
  const client = new RegistryClient({ clock: systemClock, extraCa: fleet.registry.caPem });
  const found = await client.pull(await imageTarget(fleet, image), worldPlatform);
  await client.close();
  if (found === undefined) throw new Error(`expected ${image} in the registry, got nothing`);
  await extractLayers(
    found.layers.map(({ content }) => content),
    root,
  );
  const folder = join(root, 'opt/lib/modules', kernel);
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.ko')).sort();
  if (files.length === 0) throw new Error(`expected module files for ${kernel} in ${image}, got none`);
  return Promise.all(files.map(async (file) => proofOf(file, await readFile(join(folder, file)), certificate)));
}

function proofOf(file: string, ko: Buffer, certificate: Buffer): SignatureProof {
  const signature = moduleSignature(ko);
  if (signature === undefined) throw new Error(`expected a signature at the end of ${file}, got none`);
  const { signer, digest, algorithm, content, value } = signature;
  const { publicKey } = new X509Certificate(certificate);
  if (!verify(digest, content, publicKey, value))
    throw new Error(`expected the certificate's key to have signed ${file}`);
  const name = 'commonName' in signer ? signer.commonName : signer.keyId;
  return { file: basename(file), signer: oneLine(name), digest, algorithm };
}
