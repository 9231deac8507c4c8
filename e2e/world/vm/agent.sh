#!/bin/busybox sh
# The first process of a test machine. Host and agent talk over a virtio-serial port in lines: the host sends "ID SCRIPT", the
# agent runs each script by itself and answers "ID EXITCODE OUTPUT ERRORS" when it ends. Scripts and outputs are base64, each
# with a leading `:` so that an empty one is a word too. A script is the leader of its own session and finds its ID in $ID.
# busybox's shell takes its own applets: nothing else is needed in PATH.
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /dev /run /tmp
# Its own applets are started by way of /proc/self/exe: from here on.
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs dev /dev
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t securityfs security /sys/kernel/security
mkdir -p /run/agent
for module in /boot/*.ko; do insmod "$module" 2>/dev/null || : 'efivarfs, where there is no UEFI'; done
mount -t efivarfs efivars /sys/firmware/efi/efivars 2>/dev/null || :

port=''
until [ -n "$port" ]; do
  for folder in /sys/class/virtio-ports/*; do
    if [ "$(cat "$folder/name" 2>/dev/null)" = agent ] && [ -c "/dev/${folder##*/}" ]; then port=/dev/${folder##*/}; fi
  done
  [ -n "$port" ] || sleep 0.05
done

for folder in /sys/block/vd*; do
  if [ "$(cat "$folder/serial")" = images ]; then ln -s "/dev/${folder##*/}" /dev/disk; fi
done

answer() {
  ID=$1
  export ID
  printf '%s' "${2#:}" | base64 -d >"/run/agent/$ID.script"
  setsid sh "/run/agent/$ID.script" </dev/null >"/run/agent/$ID.out" 2>"/run/agent/$ID.err" 3>&-
  code=$?
  # What a container's first process leaves behind ends with it.
  if [ -s "/run/agent/$ID.pid" ]; then kill -KILL -- "-$(cat "/run/agent/$ID.pid")" 2>/dev/null; fi
  line="$ID $code :$(base64 -w 0 <"/run/agent/$ID.out") :$(base64 -w 0 <"/run/agent/$ID.err")"
  # One answer at a time: a long one is more than one write.
  until mkdir /run/agent/lock 2>/dev/null; do sleep 0.02; done
  printf '%s\n' "$line" >&3
  rmdir /run/agent/lock
  rm -f "/run/agent/$ID".*
}

exec 3<>"$port"
echo "hello $(uname -r)" >&3
while :; do
  if read -r id script <&3; then answer "$id" "$script" & else sleep 0.05; fi
done
