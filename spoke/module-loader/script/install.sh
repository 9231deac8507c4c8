#!/bin/sh
# Init container of the loader pod: puts what the module image may lack, a shell and the loader, into the pod's own folder /kmm.
set -eu
target=${ROOT:-}/kmm
for file in busybox loader.sh; do
  cp "${ROOT:-}/$file" "$target/.$file"
  chmod 0755 "$target/.$file"
  mv -f "$target/.$file" "$target/$file"
done
