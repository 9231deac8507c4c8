#!/bin/sh
# Loads one Module's kernel module on one node, keeps it loaded, and unloads it. Runs in the loader pod under busybox (the module
# image needs no shell) and in tests under any POSIX shell. No eval; arguments are passed on as they are.
#
#   loader.sh run        <modprobe's arguments>  load, then stay: a module that goes away is loaded again; exit 1 when that fails
#   loader.sh unload     <modprobe's arguments>  preStop: unload what this load hash loaded
#   loader.sh unload-any <modprobe's arguments>  one-shot pod: unload what any load hash of this Module loaded
#   loader.sh look                               one-shot pod, before it needs the module image: is there anything to unload at all
#   loader.sh ready                              readiness: the marker is ours and the module is in the kernel
#
# Environment: KMM_MODULE (<namespace>.<module>), KMM_HASH (load hash), KMM_KERNEL (release without `+`), KMM_DIR (dirName),
# KMM_MODULE_NAME, KMM_ORDER, KMM_IN_TREE (kernel modules), KMM_FIRMWARE (folder in the image), KMM_RAW=1 (rawArgs: no module name),
# KMM_FIRMWARE_SEARCH_PATH (what the node calls the folder that firmware is copied to; the kernel is told to look there).
#
# Marker /run/kmm/<namespace>.<module>: `key=value` lines (boot, hash, phase, module, order, firmware once a file). It is written as
# phase `loading` before anything changes and as `loaded` at the end; one of another boot counts as none. It says what is ours: nothing
# else is ever unloaded. Whoever changes a marker, firmware or the kernel holds the lock /run/kmm/.lock.
#
# Each verb but `ready` leaves {verb, result, reason, boot, hash, holders, message} as one JSON line in /dev/termination-log and in the
# log. `ready` leaves the file alone: it would hide how the last load or unload ended.
set -euf
umask 022
export LC_ALL=C

verb=${1:?expected a verb: run, unload, unload-any, look or ready}
shift
: "${KMM_MODULE:?}" "${KMM_HASH:?}"
root=${ROOT:-}
termination_log=$root/dev/termination-log
proc_modules=$root/proc/modules
folder=$root/run/kmm
marker=$folder/$KMM_MODULE
lock=$folder/.lock
lock_seconds_max=120
firmware_folder=$root/var/lib/firmware
stash=$firmware_folder/.kmm-$KMM_MODULE
firmware_parameter=$root/sys/module/firmware_class/parameters/path
image_modules=$root${KMM_DIR:-}/lib/modules/${KMM_KERNEL:-}
pause_seconds=2
pauses_max=30
newline='
'
raw=${KMM_RAW:-} lock_claim='' stopping='' output='' users=''

# --- Small things

log() { printf '%s\n' "$1"; }

# Sets $replaced to $1 with every $2 turned into $3.
replace_all() {
  replaced='' remaining=$1
  while :; do
    case $remaining in
      *"$2"*) replaced=$replaced${remaining%%"$2"*}$3 remaining=${remaining#*"$2"} ;;
      *) replaced=$replaced$remaining && return 0 ;;
    esac
  done
}

# Whether the space separated list $1 holds the word $2.
contains() { case " $1 " in *" $2 "*) return 0 ;; *) return 1 ;; esac; }

# Sets $appended to the list $1 and those words of $2 that are not in it.
append_new() {
  appended=$1
  for word in $2; do contains "$appended" "$word" || appended="$appended${appended:+ }$word"; done
}

# Sets $line to the first line of a file.
first_line() {
  line=''
  read -r line <"$1" || [ -n "$line" ]
}

# Sleeps so that a signal ends it. busybox would take its own `sleep`; a modelled node (ROOT) has one of its own in PATH.
pause() {
  if [ -n "$root" ] && find_program '' sleep; then "$found" "$1" & else sleep "$1" & fi
  wait "$!" || :
  end_pause
}

# Not by TERM: a child that is just being started may still have our trap, and would swallow it.
end_pause() {
  if [ -n "${!:-}" ]; then kill -KILL "$!" 2>/dev/null || :; fi
}

# Sets $found to the first program $2 in PATH, below $1. Called by its whole path: busybox's shell prefers its own applets.
find_program() {
  wanted_folder=$1 wanted_program=$2 old_ifs=$IFS IFS=:
  # shellcheck disable=SC2086 # split on purpose
  set -- ${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
  IFS=$old_ifs
  for path_folder; do
    found=$wanted_folder$path_folder/$wanted_program
    case $path_folder in /*) if [ -f "$found" ] && [ -x "$found" ]; then return 0; fi ;; esac
  done
  return 1
}

# --- Results

# Standard input as the inside of a JSON string in ASCII; of more than $1 characters the last ones. What is no UTF-8 becomes U+FFFD.
json_text() {
  od -An -v -tu1 | awk -v limit="$1" '
    function add(text) { pieces[++count] = text }
    function escaped(code) { return sprintf("\\u%04x", code) }
    function invalid() { add("\\ufffd"); need = 0 }
    function finish() {
      if (code < least || (code >= 55296 && code < 57344) || code > 1114111) invalid()
      else if (code < 65536) add(escaped(code))
      else add(escaped(55296 + int((code - 65536) / 1024)) escaped(56320 + (code - 65536) % 1024))
    }
    function begin(bits, following, smallest) { code = bits; need = following; least = smallest }
    function take(byte) {
      if (need > 0 && byte >= 128 && byte < 192) { code = code * 64 + byte - 128; if (--need == 0) finish(); return }
      if (need > 0) invalid()
      if (byte == 10) add("\\n")
      else if (byte == 34) add("\\\"")
      else if (byte == 92) add("\\\\")
      else if (byte < 32 || byte == 127) add(escaped(byte))
      else if (byte < 128) add(sprintf("%c", byte))
      else if (byte >= 240 && byte < 248) begin(byte - 240, 3, 65536)
      else if (byte >= 224 && byte < 240) begin(byte - 224, 2, 2048)
      else if (byte >= 192 && byte < 224) begin(byte - 192, 1, 128)
      else invalid()
    }
    { for (field = 1; field <= NF; field++) take($field + 0) }
    END {
      if (need > 0) invalid()
      for (first = count; first > 0 && size + length(pieces[first]) <= limit - 3; first--) size += length(pieces[first])
      if (first > 0) printf "..."
      for (first++; first <= count; first++) printf "%s", pieces[first]
    }'
}

# report <result> <reason> <text>: modprobe's own last lines stand before the text; $users are the holders. At most 2,048 bytes.
# It ends what the lock was taken for, and is in the file before the next verb can write there.
report() {
  own=$(printf '%s' "$output" | sed -e '/^insmod /d' -e '/^rmmod /d' | tail -n 5 | json_text 900)
  # busybox's sed ends its last line, GNU's leaves it as it came.
  own=${own%\\n}
  text=$(printf '%s' "$3" | json_text 500)
  names=''
  for holder in $users; do
    case $holder in *[\"\\]*) continue ;; esac
    [ ${#names} -gt 300 ] || names=$names${names:+,}\"$holder\"
  done
  result=$(printf '{"verb":"%s","result":"%s","reason":"%s","boot":"%s","hash":"%s","holders":[%s],"message":"%s"}' \
    "$verb" "$1" "$2" "$boot" "$KMM_HASH" "$names" "$own${own:+${text:+; }}$text")
  log "$result" >"$termination_log" || :
  release_lock
  log "$result"
}

# fail <reason> <text>
fail() {
  report Failed "$1" "$2"
  exit 1
}

# --- The kernel

# Sets $spelled to the kernel's own spelling of module names: `-` is `_`.
spell() {
  replace_all "$1" - _
  spelled=$replaced
}

# Whether the kernel has the module; sets $use_count and $holders.
is_loaded() {
  while read -r listed _ use_count holders _; do
    [ "$listed" = "$1" ] || continue
    case $use_count in *[!0-9]*) use_count=0 ;; esac
    replace_all "${holders#-}" , ' ' && holders=$replaced
    return 0
  done <"$proc_modules"
  return 1
}

# Sets $loaded to those of the modules that the kernel has.
list_loaded() {
  loaded=''
  for module in $1; do if is_loaded "$module"; then loaded="$loaded $module"; fi; done
}

# Whether anything outside of the list uses one of its modules; then sets $busy (a sentence) and $users (modules).
is_in_use() {
  users=''
  for module in $1; do
    is_loaded "$module" || continue
    foreign='' inner=0
    for holder in $holders; do
      if contains "$1" "$holder"; then inner=$((inner + 1)); else foreign="$foreign $holder"; fi
    done
    if [ -n "$foreign" ] || [ "$use_count" -gt "$inner" ]; then
      users=$foreign
      busy="$module is in use: use count $use_count, modules that use it:${foreign:- none}"
      return 0
    fi
  done
  return 1
}

# Whether the folder $1 holds the file of the module $2: the exact name, `-` and `_` equal, compressed or not.
has_file() {
  replace_all "$2" _ '[-_]'
  [ -n "$(find -H "$1" ! -type d \( -name "$replaced.ko" -o -name "$replaced.ko.gz" -o -name "$replaced.ko.xz" \
    -o -name "$replaced.ko.zst" \) 2>/dev/null)" ]
}

is_built_in() {
  replace_all "$1" _ '[-_]'
  grep -q "/$replaced\\.ko\$" "$root/lib/modules/$release/modules.builtin" 2>/dev/null
}

# Calls modprobe; what it prints is in $output and in the log.
call_modprobe() {
  log "modprobe $*"
  output=$("$modprobe" "$@" 2>&1) && called=0 || called=$?
  if [ -n "$output" ]; then log "$output"; fi
  return "$called"
}

# modprobe on the image's modules, whose folder never has the `+` of the release.
image_modprobe() {
  case $release in *+) if [ "$raw" != 1 ]; then set -- -S "$KMM_KERNEL" "$@"; fi ;; esac
  call_modprobe "$@"
}

# Sets $reason and $hint from what modprobe said.
explain_output() {
  reason=ModprobeFailed hint=''
  case $output in
    *'Required key not available'* | *'Key was rejected by service'* | *'Key has been revoked'* | *'Key has expired'*)
      reason=RequiredKeyNotAvailable hint='the node trusts no key that signed the module' ;;
    *'Exec format error'* | *'Invalid module format'*)
      reason=InvalidModuleFormat hint="the module is not built for kernel $release" ;;
    *' is in use'* | *'Resource temporarily unavailable'* | *'Device or resource busy'*) reason=ModuleInUse ;;
    *'Operation not permitted'*)
      hint='the kernel is locked down (Secure Boot and an unsigned module), loading is switched off, or SYS_MODULE is missing' ;;
    *'modules.dep'* | *' not found'*) explain_missing ;;
  esac
}

explain_missing() {
  reason=ModuleNotFound
  if [ ! -d "$image_modules" ]; then
    hint="the image has no folder ${KMM_DIR:-}/lib/modules/$KMM_KERNEL"
  elif [ ! -e "$image_modules/modules.dep" ] || { [ -n "$module_name" ] && has_file "$image_modules" "$module_name"; }; then
    reason=NoModulesDep hint="modules.dep is missing or old: run depmod -b $KMM_DIR $KMM_KERNEL when the image is built"
  fi
}

# --- The marker and the lock

# Reads a marker into $marked_…; false when there is none of this boot.
read_marker() {
  marked_boot='' marked_hash='' marked_phase='' marked_modules='' marked_firmware=''
  [ -f "$1" ] || return 1
  while IFS= read -r line; do
    case $line in
      boot=*) marked_boot=${line#*=} ;;
      hash=*) marked_hash=${line#*=} ;;
      phase=*) marked_phase=${line#*=} ;;
      module=*) marked_modules=${line#*=} ;;
      order=*) append_new "$marked_modules" "${line#*=}" && marked_modules=$appended ;;
      firmware=*) marked_firmware=$marked_firmware${line#*=}$newline ;;
    esac
  done <"$1"
  [ "$marked_boot" = "$boot" ]
}

# Writes our marker with phase $1.
write_marker() {
  {
    printf 'boot=%s\nhash=%s\nphase=%s\nmodule=%s\norder=%s\n' "$boot" "$KMM_HASH" "$1" "$module_name" "$order"
    printf '%s' "$firmware" | sed 's/^/firmware=/'
  } >"$folder/.new.$KMM_MODULE" && mv -f "$folder/.new.$KMM_MODULE" "$marker"
}

# Whether our marker says that this load hash is loaded, and the kernel agrees.
is_ours_and_loaded() {
  read_marker "$marker" && [ "$marked_hash $marked_phase" = "$KMM_HASH loaded" ] && { [ -z "$module_name" ] || is_loaded "$module_name"; }
}

# Whether another Module's marker names one of the modules $1; sets $owner and $owned.
is_owned_by_other() {
  asked_for=$1
  set +f
  set -- "$folder"/*
  set -f
  for file; do
    [ "$file" != "$marker" ] || continue
    read_marker "$file" || continue
    for owned in $marked_modules; do
      if contains "$asked_for" "$owned"; then owner=${file##*/} && return 0; fi
    done
  done
  return 1
}

# Sets $shared to the firmware that the other Modules' markers list, a line each.
list_shared_firmware() {
  shared=$newline
  set +f
  set -- "$folder"/*
  set -f
  for file; do
    if [ "$file" != "$marker" ] && read_marker "$file"; then shared=$shared$marked_firmware; fi
  done
}

# Whether a file's age is over the lock's limit, whichever way the clock was set meanwhile.
is_old() {
  changed=$(date -r "$1" +%s 2>/dev/null) || return 1
  age=$(($(date +%s) - changed))
  [ "${age#-}" -gt "$lock_seconds_max" ]
}

# One try. The claim inside says whose the lock is: one that was broken is not released under its new holder.
take_lock() {
  mkdir -p "$folder"
  if is_old "$lock"; then break_lock; fi
  mkdir "$lock" 2>/dev/null || return 1
  lock_claim=$lock/$KMM_MODULE.$KMM_HASH.$verb.$$
  mkdir "$lock_claim" 2>/dev/null && return 0
  lock_claim='' && return 1
}

# One at a time, and each looks again: or the second would break the lock that the first has taken since.
break_lock() {
  if mkdir "$lock.break" 2>/dev/null; then
    if is_old "$lock"; then rm -rf "$lock"; fi
    rmdir "$lock.break"
  elif is_old "$lock.break"; then rmdir "$lock.break" || :; fi
}

release_lock() {
  if [ -n "$lock_claim" ] && rmdir "$lock_claim" 2>/dev/null; then rmdir "$lock" || :; fi
  lock_claim=''
}

wait_for_lock() {
  pauses=0
  until take_lock; do
    if [ -n "$stopping" ]; then exit 0; fi
    [ "$pauses" -lt "$pauses_max" ] || fail Busy "another verb holds $lock"
    pauses=$((pauses + 1))
    pause "$pause_seconds"
  done
}

# --- Firmware

# Sets $firmware to the files of the image's firmware folder, relative, a line each.
list_firmware() {
  firmware=''
  [ -n "${KMM_FIRMWARE:-}" ] || return 0
  firmware_source=$root$KMM_FIRMWARE
  [ -d "$firmware_source" ] || fail FirmwareFailed "the image has no folder $KMM_FIRMWARE"
  firmware=$(cd "$firmware_source" && find . ! -type d | sed 's|^\./||')
  while IFS= read -r file; do
    if [ -z "$file" ] || [ -e "$firmware_source/$file" ] || [ -L "$firmware_source/$file" ]; then continue; fi
    fail FirmwareFailed "a file name in $KMM_FIRMWARE has more than one line"
  done <<END
$firmware
END
  firmware=$firmware${firmware:+$newline}
}

# Each file under a temporary name first: the kernel reads a whole one. A link stays a link.
copy_firmware() {
  while IFS= read -r file; do
    [ -n "$file" ] || continue
    mkdir -p "$(dirname "$firmware_folder/$file")" && [ ! -d "$firmware_folder/$file" ] &&
      cp -P "$firmware_source/$file" "$firmware_folder/$file.kmm-new" &&
      mv -f "$firmware_folder/$file.kmm-new" "$firmware_folder/$file" && continue
    echo "cannot write $firmware_folder/$file" && return 1
  done <<END
$firmware
END
}

# Moves the files $3 from the folder $1 to $2, and takes the folders away that this empties.
move_files() {
  while IFS= read -r file; do
    if [ -z "$file" ] || ! { [ -e "$1/$file" ] || [ -L "$1/$file" ]; }; then continue; fi
    case $shared in *"$newline$file$newline"*) continue ;; esac
    mkdir -p "$(dirname "$2/$file")" && mv -f "$1/$file" "$2/$file" || return 1
    parent=$file
    while [ "$parent" != "${parent%/*}" ]; do
      parent=${parent%/*}
      rmdir "$1/$parent" 2>/dev/null || break
    done
  done <<END
$3
END
}

# Has the kernel look for firmware where ours is. Never taken back: other Modules may rely on it by then.
set_search_path() {
  [ -n "${KMM_FIRMWARE_SEARCH_PATH:-}" ] || return 0
  first_line "$firmware_parameter" || :
  [ "$line" != "$KMM_FIRMWARE_SEARCH_PATH" ] || return 0
  printf '%s' "$KMM_FIRMWARE_SEARCH_PATH" >"$firmware_parameter"
}

# Our own firmware $1 goes out of the kernel's sight; what another marker lists stays.
put_firmware_aside() {
  list_shared_firmware
  move_files "$firmware_folder" "$stash" "$1"
}

# Also after a kill in between.
put_firmware_back() {
  if [ ! -d "$stash" ]; then return 0; fi
  shared=$newline
  move_files "$stash" "$firmware_folder" "$1" && rm -rf "$stash"
}

# --- Unload

# Takes out what our marker, just read, lists; "$@": modprobe's arguments. False with $reason and $hint: then all is as before.
take_out() {
  listed_modules=$marked_modules listed_firmware=$marked_firmware output=''
  if is_in_use "$listed_modules"; then reason=ModuleInUse hint=$busy && return 1; fi
  list_loaded "$listed_modules"
  if ! put_firmware_aside "$listed_firmware"; then
    reason=FirmwareFailed hint="cannot take files out of $firmware_folder"
  elif [ -n "$loaded" ] || [ "$raw" = 1 ]; then
    remove_modules "$@" && forget && return 0
  else
    forget && return 0
  fi
  put_firmware_back "$listed_firmware" || :
  return 1
}

remove_modules() {
  if ! image_modprobe "$@"; then explain_output && return 1; fi
  list_loaded "$loaded"
  if [ -z "$loaded" ]; then return 0; fi
  reason=ModprobeFailed hint="modprobe ended well, but the kernel still has$loaded" && return 1
}

forget() {
  rm -rf "$stash"
  rm -f "$marker"
}

unload() {
  pauses=0
  while :; do
    if take_lock; then
      if ! read_marker "$marker"; then rm -f "$marker" && nothing_to_do 'no marker of this boot'; fi
      if [ "$verb" = unload ] && [ "$marked_hash" != "$KMM_HASH" ]; then nothing_to_do "load hash $marked_hash has taken over"; fi
      find_program "$root" modprobe || fail NoModprobe "no modprobe in the image's PATH ${PATH:-}"
      modprobe=$found
      # The arguments are for what their own load hash has loaded; of another one the marker knows.
      # shellcheck disable=SC2086 # names of kernel modules hold no white space
      if [ "$marked_hash" != "$KMM_HASH" ] && [ -n "$marked_modules" ]; then set -- -r -v -d "$KMM_DIR" $marked_modules; fi
      if take_out "$@"; then output='' && report Unloaded '' "unloaded $marked_modules" && exit 0; fi
      release_lock
    else
      reason=Busy hint="another verb holds $lock"
    fi
    case $reason in ModuleInUse | Busy) ;; *) fail "$reason" "$hint" ;; esac
    if [ -n "$stopping" ] || [ "$pauses" -ge "$pauses_max" ]; then fail "$reason" "$hint"; fi
    pauses=$((pauses + 1))
    pause "$pause_seconds"
  done
}

nothing_to_do() {
  report NothingToDo '' "$1"
  exit 0
}

# --- Load

load() {
  [ "${release%+}" = "$KMM_KERNEL" ] || fail OtherKernel "this image is for kernel $KMM_KERNEL, the node runs $release"
  find_program "$root" modprobe || fail NoModprobe "no modprobe in the image's PATH ${PATH:-}"
  modprobe=$found
  wait_for_lock
  load_locked "$@"
}

load_locked() {
  if read_marker "$marker"; then put_firmware_back "$marked_firmware" || fail FirmwareFailed "cannot write to $firmware_folder"; fi
  if is_ours_and_loaded; then report Loaded '' 'loaded before' && return 0; fi
  if read_marker "$marker"; then take_over; else list_loaded "$own_modules" && present=$loaded; fi
  if is_owned_by_other "$own_modules"; then
    fail OwnedByOther "kernel module $owned belongs to Module $owner on this node"
  fi
  plan_in_tree
  list_firmware
  # Whoever is killed from here on leaves no earlier result behind.
  printf '' >"$termination_log" || :
  write_marker loading || fail ModprobeFailed "cannot write $marker"
  change_kernel "$@" || undo_load
  write_marker loaded || fail ModprobeFailed "cannot write $marker"
  output='' && report Loaded '' "loaded ${module_name:-with raw arguments}"
}

# Our own marker: what an earlier version, or an attempt that was killed, has left goes first.
take_over() {
  present=''
  if [ "$marked_hash $marked_phase" = "$KMM_HASH loaded" ]; then return 0; fi
  if [ "$raw" = 1 ] || [ -z "$marked_modules" ]; then
    if [ "$marked_hash" = "$KMM_HASH" ]; then return 0; fi
    fail OtherVersionLoaded "load hash $marked_hash is loaded, and how to unload it is known to its own pod only"
  fi
  earlier=$marked_hash
  # shellcheck disable=SC2086 # names of kernel modules hold no white space
  take_out -r -v -d "$KMM_DIR" $marked_modules || fail OtherVersionLoaded "load hash $earlier is still loaded: $reason $hint"
}

# Sets $in_tree to what is to be removed: in the kernel, from the host's own files, used by nothing else; else fails, nothing touched.
plan_in_tree() {
  spell "${KMM_IN_TREE:-}" && listed_in_tree=$spelled in_tree=''
  for module in $listed_in_tree; do
    if is_built_in "$module"; then fail InTreeBuiltIn "in-tree module $module is part of the kernel itself"; fi
    if is_loaded "$module" && has_file "$root/lib/modules/$release" "$module"; then in_tree="$in_tree $module"; fi
  done
  if [ -n "$module_name" ] && ! contains "$in_tree" "$module_name" && is_loaded "$module_name"; then
    fail LoadedByOther "kernel module $module_name was loaded by something else"
  fi
  [ -n "$in_tree" ] || return 0
  if is_owned_by_other "$in_tree"; then fail OwnedByOther "kernel module $owned belongs to Module $owner on this node"; fi
  if is_in_use "$in_tree"; then fail InTreeInUse "in-tree module $busy"; fi
  has_file "$image_modules" "${module_name:-*}" ||
    fail ModuleNotFound "the image has no ${module_name:-module} for kernel $KMM_KERNEL: the in-tree modules stay"
}

# False with $reason and $hint.
change_kernel() {
  remove_in_tree || return 1
  if ! output=$(copy_firmware 2>&1); then reason=FirmwareFailed hint="cannot copy $KMM_FIRMWARE" && return 1; fi
  if ! output=$(set_search_path 2>&1); then reason=FirmwareFailed hint="cannot write $firmware_parameter" && return 1; fi
  if ! image_modprobe "$@"; then
    explain_output
    if [ "$reason" = ModuleInUse ]; then reason=ModprobeFailed; fi
    return 1
  fi
  if [ -z "$module_name" ] || is_loaded "$module_name"; then return 0; fi
  reason=ModprobeFailed hint="modprobe ended well, but the kernel has no module $module_name" && return 1
}

# From the host's files (no -d). Again as long as it gets on: a list may name a module before its users.
remove_in_tree() {
  while [ -n "$in_tree" ]; do
    # shellcheck disable=SC2086 # names of kernel modules hold no white space
    call_modprobe -r -v $in_tree || :
    list_loaded "$in_tree"
    if [ "$loaded" = "$in_tree" ]; then
      explain_output
      if [ "$reason" = ModuleInUse ]; then reason=InTreeInUse; fi
      hint="in-tree modules stay:$in_tree" && return 1
    fi
    in_tree=$loaded
  done
}

# Takes back what a failed load has done; what cannot be taken back keeps its marker, `loading`.
undo_load() {
  failure=$output left=''
  list_loaded "$own_modules"
  for module in $loaded; do if ! contains "$present" "$module"; then left="$left $module"; fi; done
  # shellcheck disable=SC2086 # names of kernel modules hold no white space
  if [ -n "$left" ]; then image_modprobe -r -v -d "$KMM_DIR" $left || :; fi
  list_loaded "$left"
  if [ -z "$loaded" ] && put_firmware_aside "$firmware"; then forget; fi
  output=$failure && fail "$reason" "$hint"
}

# --- Verbs

leave() {
  end_pause
  exit 0
}

# A signal while the kernel or files change only notes it: the change is finished or taken back first.
run() {
  load "$@"
  while [ -z "$stopping" ]; do
    trap leave TERM INT HUP
    if [ -z "$stopping" ]; then pause 30; fi
    trap 'stopping=1' TERM INT HUP
    if is_ours_and_loaded; then continue; fi
    wait_for_lock
    # Without our marker somebody unloaded on purpose (preStop): then there is nothing to keep.
    if ! read_marker "$marker" || [ "$marked_hash" != "$KMM_HASH" ]; then log "$marker is no longer ours" && exit 0; fi
    log "$module_name went away: loading it again"
    load_locked "$@"
  done
}

ready() {
  if is_ours_and_loaded; then log ready && exit 0; fi
  log "not ready: $marker is not ours and loaded (phase ${marked_phase:-none}), or $module_name is not in the kernel" && exit 1
}

look() {
  if read_marker "$marker"; then report Held '' 'a marker of this boot'; else report NothingToDo '' 'no marker of this boot'; fi
}

first_line "$root/proc/sys/kernel/osrelease"
release=$line
first_line "$root/proc/sys/kernel/random/boot_id"
boot=$line
spell "${KMM_MODULE_NAME:-}"
module_name=$spelled
spell "${KMM_ORDER:-}"
order=$spelled
append_new "$module_name" "$order"
own_modules=$appended
trap release_lock EXIT
trap 'stopping=1' TERM INT HUP
case $verb in
  run) run "$@" ;;
  unload | unload-any) unload "$@" ;;
  look) look ;;
  ready) ready ;;
  *) echo "unknown verb $verb: expected run, unload, unload-any, look or ready" >&2 && exit 2 ;;
esac
