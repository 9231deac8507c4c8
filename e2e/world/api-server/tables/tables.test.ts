import assert from 'node:assert/strict';
import type { ApiObject } from '../object.ts';
import { builtInColumns } from './built-in-columns.ts';
import { age } from './column.ts';
import { customColumns } from './custom-columns.ts';
import { parseJsonPath } from './json-path.ts';
import { tableRequest } from './table.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('what kubectl get shows', () => {
  const cellsOf = (group: string, object: { kind: string; metadata?: object; [member: string]: unknown }) => {
    const metadata = { name: 'x', ...object.metadata };
    const whole = { apiVersion: 'v1', ...object, metadata } as ApiObject;
    const columns = builtInColumns(group, object.kind).filter(({ priority }) => priority === 0);
    return Object.fromEntries(columns.map((column) => [column.name, column.cell(whole, 0)]));
  };

  for (const [sinceMs, shown] of [
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [9 * minute + 59 * second, '9m59s'],
    [10 * minute + 59 * second, '10m'],
    [3 * hour + 5 * minute, '3h5m'],
    [8 * hour + 59 * minute, '8h'],
    [2 * day, '2d'],
    [7 * day + 3 * hour, '7d3h'],
    [400 * day, '400d'],
  ] as const)
    it(`an age of ${sinceMs / second} seconds is ${shown}`, () => {
      const now = Date.parse('2026-01-01T00:00:00Z');
      assert.equal(age(new Date(now - sinceMs).toISOString(), now), shown);
    });

  it('an age without a time is unknown', () => assert.equal(age(undefined, 0), '<unknown>'));

  for (const [path, expected] of [
    ['.a.b', [1]],
    ["['a']['b']", [1]],
    ['.none.b', []],
    ['.list[1].name', ['two']],
    ['.list[*].name', ['one', 'two']],
    ['.list[?(@.name=="two")].value', [2]],
    ['.list[?(@.name=="three")].value', []],
    ['.labels.example\\.com/x', ['y']],
  ] as const)
    it(`the path ${path} finds ${JSON.stringify(expected)}`, () => {
      const list = [
        { name: 'one', value: 1 },
        { name: 'two', value: 2 },
      ];
      assert.deepEqual(parseJsonPath(path)({ a: { b: 1 }, list, labels: { 'example.com/x': 'y' } }), expected);
    });

  it('a path that is not understood is refused', () => {
    assert.throws(() => parseJsonPath('..a'), /expected a JSON path/);
  });

  it('a custom column shows its type or nothing', () => {
    const object = { metadata: { name: 'x' }, status: { count: 3, text: 'three' } } as unknown as ApiObject;
    const cell = (type: 'integer' | 'string', jsonPath: string) =>
      customColumns([{ name: 'C', type, jsonPath }])[1]?.cell(object, 0);
    assert.equal(cell('integer', '.status.count'), 3);
    assert.equal(cell('integer', '.status.text'), null);
    assert.equal(cell('string', '.status.text'), 'three');
    assert.equal(cell('string', '.status.none'), null);
    assert.deepEqual(
      customColumns(undefined).map(({ name }) => name),
      ['Name', 'Age'],
    );
  });

  it('a node: its state, roles and version', () => {
    const labels = { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/infra': '', other: '' };
    const status = { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.36.0' } };
    const node = { kind: 'Node', metadata: { name: 'n', labels }, spec: { unschedulable: true }, status };
    assert.deepEqual(cellsOf('', node), {
      Name: 'n',
      Status: 'Ready,SchedulingDisabled',
      Roles: 'infra,worker',
      Age: '<unknown>',
      Version: 'v1.36.0',
    });
  });

  const spec = { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }] };
  for (const [why, status, expected] of [
    ['waits', { phase: 'Pending' }, 'Pending'],
    ['runs', { phase: 'Running', containerStatuses: [{ ready: true, state: { running: {} } }] }, 'Running'],
    [
      'starts',
      {
        phase: 'Pending',
        initContainerStatuses: [{ state: { running: {} } }],
        containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
      },
      'Init:0/1',
    ],
    [
      'cannot start',
      { phase: 'Pending', initContainerStatuses: [{ state: { terminated: { exitCode: 1, reason: 'Error' } } }] },
      'Init:Error',
    ],
    [
      'fails',
      { phase: 'Running', containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] },
      'CrashLoopBackOff',
    ],
    ['ended', { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 3 } } }] }, 'ExitCode:3'],
    ['was evicted', { phase: 'Failed', reason: 'Evicted' }, 'Evicted'],
  ] as const)
    it(`a pod that ${why} is ${expected}`, () => {
      assert.equal(cellsOf('', { kind: 'Pod', spec, status })['Status'], expected);
    });

  it('a table is made for who accepts one before anything else', () => {
    const query = new URLSearchParams();
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    assert.deepEqual(tableRequest(`${table},application/json`, query), { includeObject: 'Metadata' });
    assert.deepEqual(tableRequest(`application/json;as=Table;v=v1beta1;g=meta.k8s.io,${table}`, query), {
      includeObject: 'Metadata',
    });
    assert.equal(tableRequest(`application/json,${table}`, query), undefined);
    assert.equal(tableRequest('', query), undefined);
    const whole = new URLSearchParams({ includeObject: 'Object' });
    assert.deepEqual(tableRequest(table, whole), { includeObject: 'Object' });
  });
});
