import { rowStates } from './rows.ts';

/** What `--help` prints: the commands, their options, and what a script can go by. */
export const commandUsage = {
  status: `kubectl kmm status [MODULE] [-o table|wide|json|yaml] [--cluster C] [--state S] [--kernel K] [--watch]
  Where each kernel of each cluster stands. --state is one of ${rowStates.join(', ')}.
  --watch goes on until Ctrl-C: on a terminal the table is drawn anew, elsewhere each line is printed that changed.`,
  explain: `kubectl kmm explain MODULE CLUSTER [-o table|json|yaml]
  Follows the chain module, cluster, claim, mapping, image, upcoming kernels, work, applied, loaded, marks where it breaks first, and says what to do.`,
  plan: `kubectl kmm plan -f FILE [-o table|json|yaml]
  What would change if FILE ("-": standard input) were applied: clusters, images, waves. Writes nothing.`,
  preflight: `kubectl kmm preflight --kernel K [MODULE] [-o table|json|yaml]
  Which clusters would lose, or not get, which module on kernel K.`,
  rollout: `kubectl kmm rollout pause|resume MODULE
kubectl kmm rollout undo MODULE [--to-revision NAME] [--yes]
  pause: no further cluster is started. resume: it goes on. undo: writes an earlier version's moduleSpec back, by default
  the one before the present; asks first, unless --yes.`,
} as const;
export type CommandName = keyof typeof commandUsage;

const connectionUsage = `Options of all commands:
  --kubeconfig FILE  default: $KUBECONFIG, then ~/.kube/config, then the service account of the pod
  --context NAME     default: the current one of the kubeconfig
  -n, --namespace N  where the hub runs and keeps versions (ControllerRevisions); default: openshift-kmm-hub`;

const exitCodes = `Exit codes:
  0  fine
  1  something is not well (status, explain, preflight), or was not wanted after all (rollout undo)
  2  wrong usage: an unknown option, a file that is none, a module or a version that is not there
  3  the API server could not be asked: no kubeconfig, no connection, no right
130  ended by Ctrl-C`;

/** Help for one command, or for all of them. */
export function usageText(command?: CommandName): string {
  const commands = command === undefined ? Object.values(commandUsage) : [commandUsage[command]];
  return [...commands, connectionUsage, exitCodes].join('\n\n');
}
