import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unreachable } from '../../shared/core/assert.ts';
import { errorMessage } from '../../shared/core/errors.ts';
import type { KubeClient } from '../../shared/kube/client.ts';
import { KubeError } from '../../shared/kube/errors.ts';
import { KubeconfigError, type KubeconfigSource } from '../../shared/kube/kubeconfig.ts';
import type { Runtime } from '../../shared/kube/runtime.ts';
import { createKubeClient } from '../../shared/kube/transport.ts';
import { printable } from '../managed-cluster-module/feedback.ts';
import { type ExitCode, exitCodes, UsageError } from './failures.ts';
import { type Command, type Connection, readCommandLine } from './options.ts';
import type { Terminal } from './report.ts';
import { runRollout } from './rollout-command.ts';
import { runStatus, type Surroundings } from './status-command.ts';

export interface Invocation {
  arguments: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  terminal: Terminal;
  runtime: Runtime;
  signal: AbortSignal;
}

/** Runs one command to its end. Never throws: what goes wrong is told on standard error, and in the exit code. */
export async function runCommand(invocation: Invocation): Promise<ExitCode> {
  const { environment, terminal, runtime, signal } = invocation;
  let client: KubeClient | undefined;
  try {
    const { command, connection } = readCommandLine(invocation.arguments);
    if (command.kind === 'help') {
      terminal.print(command.text);
      return exitCodes.fine;
    }
    const made = createKubeClient({ kubeconfig: sourceOf(connection, environment), userAgent: 'kubectl-kmm/0.1.0' });
    client = made;
    // What is under way fails then.
    signal.addEventListener('abort', () => void made.close(), { once: true });
    return await dispatch(command, { client: made, terminal, runtime, signal, namespace: connection.namespace });
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    const { text, code } = failureOf(error);
    for (const line of text.split('\n')) terminal.complain(`kubectl kmm: ${printable(line)}`);
    return code;
  } finally {
    await client?.close();
  }
}

/** What parses whole specs is loaded only where a command does it. */
async function dispatch(command: Exclude<Command, { kind: 'help' }>, around: Surroundings): Promise<ExitCode> {
  switch (command.kind) {
    case 'status':
      return runStatus(command, around);
    case 'explain':
      return (await import('./explain-command.ts')).runExplain(command, around);
    case 'plan':
      return (await import('./plan-command.ts')).runPlan(command, around);
    case 'preflight':
      return (await import('./preflight-command.ts')).runPreflight(command, around);
    case 'rollout':
      return runRollout(command, around);
    default:
      return unreachable(command);
  }
}

/** As kubectl looks for it. */
function sourceOf({ kubeconfig, context }: Connection, environment: Invocation['environment']): KubeconfigSource {
  const path = kubeconfig ?? environment['KUBECONFIG'];
  if (path) return { path, context };
  const home = join(environment['HOME'] ?? '', '.kube', 'config');
  if (existsSync(home)) return { path: home, context };
  return { inCluster: true, environment };
}

function failureOf(error: unknown): { text: string; code: ExitCode } {
  if (error instanceof UsageError) return { text: error.message, code: exitCodes.usage };
  if (error instanceof KubeconfigError) return { text: error.message, code: exitCodes.notAsked };
  if (error instanceof KubeError) return { text: askingFailed(error), code: exitCodes.notAsked };
  return { text: `expected to finish, got ${errorMessage(error)}: please report it`, code: exitCodes.notAsked };
}

function askingFailed({ status, reason, message }: KubeError): string {
  if (status === 403) {
    return `expected the right to do this, got: ${message}. Ask for ClusterRole kmm-operator-hub-fleet-viewer-role; rollout also takes the editor's role, and versions the Role kmm-operator-hub-revision-viewer-role`;
  }
  if (status === 401)
    return `expected to be known to the API server, got: ${message}. Renew the credentials of the kubeconfig`;
  if (status === 404)
    return `expected the kinds of the hub and of OCM, got: ${message}. Does this kubeconfig name the hub?`;
  if (status === 0)
    return `expected an answer of the API server, got: ${message}. Check the kubeconfig (--kubeconfig, --context) and the network`;
  return `expected an answer of the API server, got ${status} ${reason}: ${message}`;
}
