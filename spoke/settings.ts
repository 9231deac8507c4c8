/** What the spoke's parts need to know of their own installation. */
export interface SpokeSettings {
  /** Image with busybox and the loader script (`RELATED_IMAGE_WORKER`). */
  toolsImage: string;
  /** Modules in this namespace get our own privileged service accounts (behaviour o.1). */
  operatorNamespace: string;
  worker: WorkerSettings;
}

/** How loader and unload pods run: `worker` of the configuration. */
export interface WorkerSettings {
  runAsUser: number;
  seLinuxType: string;
  /**
   * The node's folder that firmware is copied to, `firmwareHostPathDefault` when undefined. Only when it is said, the loader
   * also tells the kernel to look there, for which its pod has to be privileged: else the kernel's own search path or an
   * argument of its command line (`firmware_class.path=`) has to. Empty: this cluster takes no firmware.
   */
  firmwareHostPath?: string | undefined;
}

/** RHCOS mounts /usr read-only, so not the kernel's usual /lib/firmware (behaviour l). */
export const firmwareHostPathDefault = '/var/lib/firmware';
