const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = String.raw`${label}(\.${label})*`;
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValue = `(${qualified})?`;

const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${subdomain}$`);
const qualifiedPattern = new RegExp(`^${qualified}$`);
const labelValuePattern = new RegExp(`^${labelValue}$`);

/** Names that must be one DNS label; rbac names are path segments; all others are DNS subdomains. */
const labelNamed = new Set(['Namespace', 'Service']);
const pathNamed = new Set(['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']);

/** Why Kubernetes refuses the name of an object of `kind`, or undefined. */
export function nameFault(kind: string, name: string): string | undefined {
  if (pathNamed.has(kind))
    return /[/%]/.test(name) || name === '.' || name === '..' ? "may not contain '/'" : undefined;
  if (!labelNamed.has(kind)) return subdomainFault(name);
  if (name.length > 63) return 'must be no more than 63 bytes';
  if (labelPattern.test(name)) return undefined;
  return (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with " +
    `an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`
  );
}

function subdomainFault(name: string): string | undefined {
  if (name.length > 253) return 'must be no more than 253 bytes';
  if (subdomainPattern.test(name)) return undefined;
  return (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and " +
    `end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`
  );
}

/** Keys of labels and annotations, and finalizers: an optional DNS prefix, a slash, and a name of at most 63. */
export function qualifiedNameFault(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return "a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/'";
  }
  if (parts.length === 2) {
    if (parts[0] === '') return 'prefix part must be non-empty';
    const fault = subdomainFault(parts[0]!);
    if (fault !== undefined) return `prefix part ${fault}`;
  }
  if (name === '') return 'name part must be non-empty';
  if (name.length > 63) return 'name part must be no more than 63 bytes';
  if (qualifiedPattern.test(name)) return undefined;
  return (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
    `character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}')`
  );
}

/** Keys of ConfigMaps' and Secrets' data, which become file names. */
export function dataKeyFault(key: string): string | undefined {
  if (key.length > 253) return 'must be no more than 253 bytes';
  if (key === '.' || key === '..' || key.startsWith('..')) return `must not be '${key}'`;
  if (/^[-._a-zA-Z0-9]+$/.test(key)) return undefined;
  return (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or " +
    `'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`
  );
}

export function labelValueFault(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 bytes';
  if (labelValuePattern.test(value)) return undefined;
  return (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and " +
    `end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`
  );
}
