import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { buildImage, type LayerEntry, type OciImage } from '../registry/oci-image.ts';

const folder = join(import.meta.dirname, '../../../deploy/samples/driver');

/** What the sample's Dockerfile copies its sources from. */
export function sampleSources(): Promise<OciImage> {
  const source = join(folder, 'source');
  const entries: LayerEntry[] = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: `/${relative(source, file)}`, content: readFileSync(file) }));
  return buildImage({ layers: [entries] });
}

export function sampleDockerfile(): string {
  return readFileSync(join(folder, 'Dockerfile'), 'utf8');
}
