import type { z } from 'zod';
import { fieldRefSchema, labelSelectorSchema, resourceFieldRefSchema, resourceListSchema } from './core-types.ts';
import { defaulted, flag, integer, labelMap, list, map, object, quantity, text } from './fields.ts';
import { localObjectReference } from './meta.ts';
import { otherVolumeSources } from './volume-other.ts';

/** Core volumes. Kubernetes checks them when the pod is made; here their shape stands, complete, so that nothing is pruned. */

const atomic = { 'x-kubernetes-map-type': 'atomic' };
const fileMode = (what: string) =>
  integer(`Permissions of ${what}, as a decimal number (0644 is 420).`, 'int32').optional();
const defaultMode = () => fileMode('files that name none');
const mayBeMissing = () => flag('Whether the pod starts although the object or a key is missing.').optional();
const readOnly = () => flag('Whether it is mounted to be read only.').optional();

const keyToPaths = list(
  object('A key and the file that it becomes.', {
    key: text('The key.', 253),
    path: text('Path of the file in the volume.'),
    mode: fileMode('this file'),
  }),
  'Which keys appear, and where; all of them when left out.',
);

const downwardItems = list(
  object('A file with information about the pod.', {
    path: text('Path of the file in the volume.'),
    fieldRef: fieldRefSchema.optional(),
    resourceFieldRef: resourceFieldRefSchema.optional(),
    mode: fileMode('this file'),
  }),
  'The files.',
);

const configMapItems = {
  name: defaulted(text('Name of the ConfigMap.', 253), ''),
  items: keyToPaths.optional(),
  optional: mayBeMissing(),
};

const volumeClaimTemplate = object('The claim that is made for the pod.', {
  metadata: object('Labels and annotations of the claim.', {
    labels: labelMap('Labels of the claim.').optional(),
    annotations: map(text('The value.', 32_768), 'Annotations of the claim.').optional(),
  }).optional(),
  spec: object('What is asked for.', {
    accessModes: list(text('A mode, such as ReadWriteOnce.', 64), 'How it may be mounted.', { max: 8 }).optional(),
    dataSource: object('Volume or snapshot to start from.', {
      apiGroup: text('API group of the source.', 253).optional(),
      kind: text('Kind of the source.', 253),
      name: text('Name of the source.', 253),
    })
      .meta(atomic)
      .optional(),
    dataSourceRef: object('Object of any kind to start from.', {
      apiGroup: text('API group of the source.', 253).optional(),
      kind: text('Kind of the source.', 253),
      name: text('Name of the source.', 253),
      namespace: text('Namespace of the source.', 253).optional(),
    }).optional(),
    resources: object('How large.', {
      limits: resourceListSchema('The most.').optional(),
      requests: resourceListSchema('The least.').optional(),
    }).optional(),
    selector: labelSelectorSchema.optional(),
    storageClassName: text('Storage class.', 253).optional(),
    volumeAttributesClassName: text('Volume attributes class.', 253).optional(),
    volumeMode: text('Filesystem or Block.', 64).optional(),
    volumeName: text('The volume, when it is to be a certain one.', 253).optional(),
  }),
});

const projection = object('One source; exactly one of the fields.', {
  configMap: object('Keys of a ConfigMap.', configMapItems).meta(atomic).optional(),
  secret: object('Keys of a Secret.', {
    name: defaulted(text('Name of the Secret.', 253), ''),
    items: keyToPaths.optional(),
    optional: mayBeMissing(),
  })
    .meta(atomic)
    .optional(),
  downwardAPI: object('Information about the pod.', { items: downwardItems.optional() }).optional(),
  serviceAccountToken: object("A token of the pod's service account.", {
    audience: text('Whom the token is for; the API server when left out.').optional(),
    expirationSeconds: integer('How long it is valid; an hour when left out.', 'int64').optional(),
    path: text('Path of the file in the volume.'),
  }).optional(),
  clusterTrustBundle: object('Certificates of trusted authorities.', {
    name: text('One bundle by name.', 253).optional(),
    signerName: text('All bundles of this signer.').optional(),
    labelSelector: labelSelectorSchema.optional(),
    optional: mayBeMissing(),
    path: text('Path of the file in the volume.'),
  }).optional(),
  podCertificate: object('A certificate issued to the pod.', {
    signerName: text('Who signs it.'),
    keyType: text('Kind of key, such as ED25519 or ECDSAP256.', 64),
    maxExpirationSeconds: integer('How long it may be valid.', 'int32').optional(),
    credentialBundlePath: text('File for key and certificates together.').optional(),
    keyPath: text('File for the key.').optional(),
    certificateChainPath: text('File for the certificates.').optional(),
    userAnnotations: map(text('The value.'), 'What the signer is told besides.').optional(),
  }).optional(),
});

export const volumeSchema = object('A volume of the pod; beside its name exactly one of the fields.', {
  name: text('Name by which containers mount it.', 253),
  hostPath: object('A path of the node: under /dev, /sys, /var, /opt or /run.', {
    path: text('The path on the node.'),
    type: text(
      'What is expected there, such as Directory or DirectoryOrCreate; nothing is checked when empty.',
      64,
    ).optional(),
  }).optional(),
  emptyDir: object('An empty folder that lives as long as the pod.', {
    medium: text('Memory for a tmpfs, else the disk.', 64).optional(),
    sizeLimit: quantity('The most that it may hold.').optional(),
  }).optional(),
  configMap: object('A ConfigMap as files.', { ...configMapItems, defaultMode: defaultMode() })
    .meta(atomic)
    .optional(),
  secret: object('A Secret as files.', {
    secretName: text('Name of the Secret.', 253).optional(),
    items: keyToPaths.optional(),
    defaultMode: defaultMode(),
    optional: mayBeMissing(),
  }).optional(),
  downwardAPI: object('Information about the pod as files.', {
    items: downwardItems.optional(),
    defaultMode: defaultMode(),
  }).optional(),
  projected: object('Several sources in one folder.', {
    sources: list(projection, 'The sources.').optional(),
    defaultMode: defaultMode(),
  }).optional(),
  persistentVolumeClaim: object('A claim of the same namespace.', {
    claimName: text('Name of the claim.', 253),
    readOnly: readOnly(),
  }).optional(),
  ephemeral: object('A claim that is made for the pod and goes with it.', {
    volumeClaimTemplate: volumeClaimTemplate.optional(),
  }).optional(),
  csi: object('A volume that a CSI driver makes for the pod.', {
    driver: text('Name of the driver.', 253),
    fsType: text('File system.', 64).optional(),
    readOnly: readOnly(),
    volumeAttributes: map(text('The value.'), 'What the driver is told.').optional(),
    nodePublishSecretRef: localObjectReference('Secret for the driver.').optional(),
  }).optional(),
  image: object('The content of an OCI image, read-only.', {
    reference: text('The image.').optional(),
    pullPolicy: text('Always, Never or IfNotPresent.', 64).optional(),
  }).optional(),
  nfs: object('A folder of an NFS server.', {
    server: text('Host of the server.', 253),
    path: text('Path that it exports.'),
    readOnly: readOnly(),
  }).optional(),
  iscsi: object('A disk over iSCSI.', {
    targetPortal: text('Address of the target.'),
    portals: list(text('An address.'), 'Further addresses of the target.', { max: 32 }).optional(),
    iqn: text('Name of the target.'),
    lun: integer('Number of the disk.', 'int32'),
    iscsiInterface: defaulted(text('Interface.', 253), 'default'),
    fsType: text('File system.', 64).optional(),
    readOnly: readOnly(),
    initiatorName: text('Own name.').optional(),
    chapAuthDiscovery: flag('Whether discovery is authenticated with CHAP.').optional(),
    chapAuthSession: flag('Whether the session is authenticated with CHAP.').optional(),
    secretRef: localObjectReference('Secret for CHAP.').optional(),
  }).optional(),
  fc: object('A disk over Fibre Channel.', {
    targetWWNs: list(text('A name.', 253), 'World wide names of the targets.', { max: 32 }).optional(),
    lun: integer('Number of the disk.', 'int32').optional(),
    wwids: list(text('An identifier.', 253), 'World wide identifiers, instead of names and number.', {
      max: 32,
    }).optional(),
    fsType: text('File system.', 64).optional(),
    readOnly: readOnly(),
  }).optional(),
  ...otherVolumeSources,
});
export type Volume = z.infer<typeof volumeSchema>;
