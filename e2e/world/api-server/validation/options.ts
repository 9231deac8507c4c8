import { type Cause, invalid } from '../failures.ts';
import { forbiddenField, notSupported } from '../field-causes.ts';

/** 422 for a query of a list that means nothing. */
export function requireListOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch') ?? '';
  if (match === '') return;
  const field = 'resourceVersionMatch';
  const asked = query.get('resourceVersion') ?? '';
  const forbid = (why: string) => refuse('ListOptions', [forbiddenField(field, why)]);
  if (asked === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (query.get('continue')) forbid('resourceVersionMatch is forbidden when continue is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    refuse('ListOptions', [notSupported(field, match, ['Exact', 'NotOlderThan'])]);
  }
  if (match === 'Exact' && asked === '0') forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
}

const optionsOf: Readonly<Record<string, string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};

/** 422 for a query of a write that means nothing. */
export function requireWriteOptions(verb: string, query: URLSearchParams): void {
  const options = optionsOf[verb];
  if (options === undefined) return;
  const causes: Cause[] = [];
  const dryRun = query.getAll('dryRun');
  if (dryRun.some((stage) => stage !== 'All')) causes.push(notSupported('dryRun', dryRun, ['All']));
  const validation = query.get('fieldValidation') ?? '';
  const levels = ['', 'Ignore', 'Warn', 'Strict'];
  if (!levels.includes(validation)) causes.push(notSupported('fieldValidation', validation, levels));
  if (causes.length > 0) refuse(options, causes);
}

/** 422 for a way of propagation that is none. */
export function requirePolicy(policy: unknown): void {
  const policies = ['Foreground', 'Background', 'Orphan', 'nil'];
  if (policy !== undefined && (policy === 'nil' || !policies.includes(String(policy)))) {
    refuse('DeleteOptions', [notSupported('propagationPolicy', policy, policies)]);
  }
}

function refuse(kind: string, causes: readonly Cause[]): never {
  throw invalid({ group: 'meta.k8s.io', kind }, '', causes);
}
