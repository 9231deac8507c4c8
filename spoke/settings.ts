/** What the spoke's parts need to know of their own installation. */
export interface SpokeSettings {
  /** Image with busybox and the loader script (`RELATED_IMAGE_WORKER`). */
  toolsImage: string;
  /** Modules in this namespace get our own privileged service accounts (behaviour o.1). */
  operatorNamespace: string;
}
