import assert from 'node:assert/strict';
import { buildModule } from '../testing/builders.ts';
import { look, ownedDaemonSet } from '../testing/picture.ts';
import { patienceMs } from './survey.ts';

describe('a DaemonSet of which Kubernetes makes no pods', () => {
  const module = buildModule();
  module.spec.moduleLoader!.serviceAccountName = 'robot';
  const present = ownedDaemonSet(module);
  const daemonSet = { ...present, status: { ...present.status, desiredNumberScheduled: 2, currentNumberScheduled: 1 } };
  const reportAfter = (ms: number) => {
    const podlessMs = new Map([[daemonSet.metadata.name, ms]]);
    return look({ module, daemonSets: [daemonSet as typeof present], podlessMs }).status?.report ?? '';
  };

  it('is named after a minute, with the service account that it may lack', () => {
    assert.match(
      reportAfter(patienceMs),
      /PodsNotCreated.*1 of 2 pods of DaemonSet .*is there a ServiceAccount robot\?/,
    );
  });

  it('is named with the account that every namespace has, when none is given [135]', () => {
    const nameless = ownedDaemonSet(buildModule());
    const daemonSets = [{ ...nameless, status: daemonSet.status } as typeof present];
    const podlessMs = new Map([[nameless.metadata.name, patienceMs]]);
    const { report = '' } = look({ module: buildModule(), daemonSets, podlessMs }).status ?? {};
    assert.match(report, /PodsNotCreated.*may ServiceAccount default run privileged pods \(SCC, Pod Security\)\?/);
  });

  it('is not worth a word before: its pods are being made', () => {
    assert.doesNotMatch(reportAfter(patienceMs - 1), /PodsNotCreated/);
  });
});
