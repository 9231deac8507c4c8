export const hubNamespace = 'openshift-kmm-hub';
export const operatorNamespace = 'openshift-kmm';
/** Whom the API servers see: the programs' service accounts. */
export const programUsers = {
  hub: `system:serviceaccount:${hubNamespace}:kmm-operator-hub-controller`,
  spoke: `system:serviceaccount:${operatorNamespace}:kmm-operator-controller`,
} as const;
