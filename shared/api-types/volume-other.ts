import { defaulted, flag, integer, list, map, object, text } from './fields.ts';
import { localObjectReference } from './meta.ts';

/** Volumes of vendors' storage, most of them deprecated by Kubernetes in favour of CSI; accepted because pods accept them. */

const fsType = () => text('File system.', 64).optional();
const readOnly = () => flag('Whether it is mounted to be read only.').optional();
const partition = () => integer('Number of the partition; the whole disk when left out.', 'int32').optional();
const secretRef = () => localObjectReference('Secret with the credentials.').optional();
const monitors = () => list(text('A host.'), 'Monitors of the Ceph cluster.', { max: 32 });

export const otherVolumeSources = {
  awsElasticBlockStore: object('A disk of AWS (deprecated by Kubernetes).', {
    volumeID: text('Id of the disk.'),
    fsType: fsType(),
    partition: partition(),
    readOnly: readOnly(),
  }).optional(),
  azureDisk: object('A disk of Azure (deprecated by Kubernetes).', {
    diskName: text('Name of the disk.'),
    diskURI: text('URI of the disk.'),
    cachingMode: text('None, ReadOnly or ReadWrite.', 64).optional(),
    fsType: defaulted(text('File system.', 64), 'ext4'),
    kind: text('Shared, Dedicated or Managed.', 64).optional(),
    readOnly: defaulted(flag('Whether it is mounted to be read only.'), false),
  }).optional(),
  azureFile: object('A share of Azure (deprecated by Kubernetes).', {
    secretName: text('Secret with the credentials.', 253),
    shareName: text('Name of the share.'),
    readOnly: readOnly(),
  }).optional(),
  cephfs: object('A Ceph file system (deprecated by Kubernetes).', {
    monitors: monitors(),
    path: text('Folder that is mounted.').optional(),
    user: text('User.').optional(),
    secretFile: text('File with the key on the node.').optional(),
    secretRef: secretRef(),
    readOnly: readOnly(),
  }).optional(),
  cinder: object('A disk of OpenStack (deprecated by Kubernetes).', {
    volumeID: text('Id of the disk.'),
    fsType: fsType(),
    readOnly: readOnly(),
    secretRef: secretRef(),
  }).optional(),
  flexVolume: object('A volume of a FlexVolume driver (deprecated by Kubernetes).', {
    driver: text('Name of the driver.', 253),
    fsType: fsType(),
    options: map(text('The value.'), 'What the driver is told.').optional(),
    readOnly: readOnly(),
    secretRef: secretRef(),
  }).optional(),
  flocker: object('A Flocker data set (removed from Kubernetes).', {
    datasetName: text('Name of the data set.').optional(),
    datasetUUID: text('Id of the data set.').optional(),
  }).optional(),
  gcePersistentDisk: object('A disk of Google Cloud (deprecated by Kubernetes).', {
    pdName: text('Name of the disk.'),
    fsType: fsType(),
    partition: partition(),
    readOnly: readOnly(),
  }).optional(),
  gitRepo: object('A git repository (deprecated by Kubernetes).', {
    repository: text('URL of the repository.'),
    revision: text('Commit.').optional(),
    directory: text('Folder for the files.').optional(),
  }).optional(),
  glusterfs: object('A GlusterFS volume (removed from Kubernetes).', {
    endpoints: text('Endpoints object with the hosts.', 253),
    path: text('Name of the volume.'),
    readOnly: readOnly(),
  }).optional(),
  photonPersistentDisk: object('A disk of Photon (removed from Kubernetes).', {
    pdID: text('Id of the disk.'),
    fsType: fsType(),
  }).optional(),
  portworxVolume: object('A Portworx volume (deprecated by Kubernetes).', {
    volumeID: text('Id of the volume.'),
    fsType: fsType(),
    readOnly: readOnly(),
  }).optional(),
  quobyte: object('A Quobyte volume (removed from Kubernetes).', {
    registry: text('Hosts of the registry.'),
    volume: text('Name of the volume.'),
    group: text('Group.').optional(),
    user: text('User.').optional(),
    tenant: text('Tenant.').optional(),
    readOnly: readOnly(),
  }).optional(),
  rbd: object('A Ceph block device (deprecated by Kubernetes).', {
    monitors: monitors(),
    image: text('Name of the device.'),
    pool: defaulted(text('Pool.'), 'rbd'),
    user: defaulted(text('User.'), 'admin'),
    keyring: defaulted(text('Key ring on the node.'), '/etc/ceph/keyring'),
    fsType: fsType(),
    readOnly: readOnly(),
    secretRef: secretRef(),
  }).optional(),
  scaleIO: object('A ScaleIO volume (deprecated by Kubernetes).', {
    gateway: text('Address of the gateway.'),
    system: text('Name of the system.'),
    secretRef: localObjectReference('Secret with the credentials.'),
    protectionDomain: text('Protection domain.').optional(),
    storagePool: text('Storage pool.').optional(),
    storageMode: defaulted(text('ThickProvisioned or ThinProvisioned.', 64), 'ThinProvisioned'),
    volumeName: text('Name of the volume.').optional(),
    sslEnabled: flag('Whether the gateway is spoken to over TLS.').optional(),
    fsType: defaulted(text('File system.', 64), 'xfs'),
    readOnly: readOnly(),
  }).optional(),
  storageos: object('A StorageOS volume (removed from Kubernetes).', {
    volumeName: text('Name of the volume.').optional(),
    volumeNamespace: text('Its namespace in StorageOS.').optional(),
    fsType: fsType(),
    readOnly: readOnly(),
    secretRef: secretRef(),
  }).optional(),
  vsphereVolume: object('A disk of vSphere (deprecated by Kubernetes).', {
    volumePath: text('Path of the disk.'),
    fsType: fsType(),
    storagePolicyID: text('Id of the storage policy.').optional(),
    storagePolicyName: text('Name of the storage policy.').optional(),
  }).optional(),
};
