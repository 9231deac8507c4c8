import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { yamlDocuments } from '../../shared/testing/yaml-files.ts';
import type { Definition } from './api-server/definitions.ts';

/** The peers' CRDs: data beside the project, not part of it. */
const folder = process.env['KMM_PEER_CRDS'] ?? fileURLToPath(new URL('../../../shared/crds', import.meta.url));

/** CustomResourceDefinitions of the Go project (`kmm`) or of Open Cluster Management (`ocm`); undefined where they are not. */
export function peerDefinitions(api: 'kmm' | 'ocm'): Definition[] | undefined {
  const place = join(folder, api);
  if (!existsSync(place)) return undefined;
  const names = readdirSync(place).filter((name) => name.endsWith('.yaml'));
  return names.sort().flatMap((name) => yamlDocuments(join(place, name)) as Definition[]);
}
