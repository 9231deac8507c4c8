/** Of events, and of what is logged about a Module's policies. */
export const reasons = { foreign: 'ForeignNetworkPolicy' } as const;
