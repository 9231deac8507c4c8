# Ends what a test process started, also when that was killed: `lifeline.sh FOLDER`, told of processes on standard input
# ("started PID", "ended PID"), whose end is the end of the test process. A shell costs 1 MB, another Node 40 MB.
trap '' HUP INT TERM
pids=' '
while read -r word pid; do
  case $word in
    started) pids="$pids$pid " ;;
    ended) pids="${pids%%" $pid "*} ${pids#*" $pid "}" ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
# What was killed may write for a moment still.
for attempt in 1 2 3 4 5; do
  rm -rf "$1" 2>/dev/null && exit 0
  sleep 1
done
exit 1
