import type { WorldProcess } from '../node/processes.ts';
import type { Machine } from './machine.ts';
import { quoted } from './quoted.ts';

/** Of a process whose machine is gone. */
const killedCode = 137;
/** Of SIGTERM in the table of handled signals. */
const terminationBit = '0x4000';

/** Runs a program in a root folder of the machine, with exactly this environment and `/` as its working folder. */
export function startProcess(
  machine: Machine,
  options: {
    root: string;
    argv: readonly string[];
    environment: Readonly<Record<string, string>>;
    /** Called once, when it has ended: the agent's line is no stream. */
    onOutput: (text: string) => void;
  },
): WorldProcess {
  const { root, argv, environment, onOutput } = options;
  const variables = Object.entries(environment).map(([name, value]) => quoted(`${name}=${value}`));
  const command = ['/bin/busybox', 'chroot', root, ...argv].map(quoted);
  const script = [
    'echo $$ >"/run/agent/$ID.pid"',
    'exec 2>&1',
    `exec env -i ${[...variables, ...command].join(' ')}`,
  ].join('\n');
  const { id, ended } = machine.start(script);
  let isOver = false;
  const exited = ended.then(
    ({ code, output }) => {
      isOver = true;
      onOutput(output);
      return code;
    },
    () => killedCode,
  );
  const pid = `$(cat /run/agent/${id}.pid)`;
  // It may be over by then, with its machine or without.
  const send = (signalScript: string) => void machine.start(signalScript).ended.catch(() => undefined);
  return {
    pid: Number(id),
    exited,
    signal: (name) =>
      send(`pid=${pid} && handled=0x$(sed -n 's/^SigCgt:[^0-9a-f]*//p' /proc/$pid/status)
        [ $((handled & ${terminationBit})) -eq 0 ] || kill -${name.replace('SIG', '')} $pid`),
    kill() {
      // Its files are there from its start to its end: who waited for them afterwards would wait for ever, and be one of many.
      const wait = `tries=0; until [ -s /run/agent/${id}.pid ] || [ $tries -ge 100 ]; do sleep 0.05; tries=$((tries + 1)); done`;
      if (!isOver) send(`${wait}; kill -KILL -- -${pid}`);
    },
  };
}
