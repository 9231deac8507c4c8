# Builds an image with buildah and pushes it: what the container `build` of a build Job runs (build-job.ts), as
# `/bin/sh -ec`. Values come in by environment and mounts only; none becomes a part of this text. Paths are below ROOT,
# which is empty in a pod.
#
# KMM_IMAGE             where the image is pushed
# KMM_DOCKERFILE        the Dockerfile
# KMM_BUILD_ARGS        how many build arguments there are; KMM_BUILD_ARG_0, KMM_BUILD_ARG_1, … are they, each NAME=value
# KMM_BUILD_SECRETS     folder with one folder a Secret: RUN lines find each at /run/secrets/<name>, no layer holds it
# KMM_LOGIN             folder of .dockerconfigjson or .dockercfg; it may be absent
# KMM_BASE_TLS_VERIFY   false: the registries of FROM images may show any certificate, or speak plain HTTP
# KMM_BASE_LOGIN        whether the login may be used for them
# KMM_IMAGE_TLS_VERIFY, KMM_IMAGE_LOGIN   the same for the registry that is pushed to
# KMM_CA                folder of certificate authorities (*.crt) that registries are trusted with; may be unset
# KMM_NO_TOOLKIT        why it is not known what DTK_AUTO is; a Dockerfile that names it then ends before anything is built
# KMM_WORK              folder that may be filled
#
# Success: exit code 0 and one JSON line in the termination log. Else the last lines of the log say why.
# Needed beside a shell: buildah, cat, mkdir.

root="${ROOT:-}"
work="$root$KMM_WORK"
dockerfile="$root$KMM_DOCKERFILE"
termination_log="${KMM_TERMINATION_LOG:-$root/dev/termination-log}"

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# What buildah keeps goes into the folder, and nothing from the image of this container decides who logs in where.
mkdir -p "$work/home" "$work/run" "$work/tmp" "$work/store" "$work/context"
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work/tmp"
unset REGISTRY_AUTH_FILE DOCKER_CONFIG

with_buildah() {
  buildah --root "$work/store" --runroot "$work/run/storage" --storage-driver vfs "$@"
}

[ -s "$dockerfile" ] || fail "expected a Dockerfile at $KMM_DOCKERFILE, got nothing"
if [ -n "${KMM_NO_TOOLKIT:-}" ]; then
  case "$(cat "$dockerfile")" in
    *DTK_AUTO*) fail "the Dockerfile uses DTK_AUTO: $KMM_NO_TOOLKIT" ;;
  esac
fi

login=''
if [ -f "$root$KMM_LOGIN/.dockerconfigjson" ]; then
  login="$root$KMM_LOGIN/.dockerconfigjson"
elif [ -f "$root$KMM_LOGIN/.dockercfg" ]; then
  # The older form is what the newer has below `auths`.
  login="$work/home/login.json"
  { printf '{"auths":' && cat "$root$KMM_LOGIN/.dockercfg" && printf '}'; } >"$login"
fi

# Chroot isolation: RUN lines get no containers of their own, which would take an administrator's rights.
set -- build --isolation chroot --file "$dockerfile" --tls-verify="$KMM_BASE_TLS_VERIFY"
if [ -n "$login" ] && [ "$KMM_BASE_LOGIN" = true ]; then set -- "$@" --authfile "$login"; fi
if [ -n "${KMM_CA:-}" ]; then set -- "$@" --cert-dir "$root$KMM_CA"; fi
number=0
while [ "$number" -lt "$KMM_BUILD_ARGS" ]; do
  # Only our own number becomes code.
  eval "argument=\$KMM_BUILD_ARG_$number"
  set -- "$@" --build-arg "$argument"
  number=$((number + 1))
done
# A volume, because Dockerfiles read /run/secrets/<name>/<key> in any RUN line; buildah's own --secret is one file, and
# only for lines that ask for it.
for secret in "$root$KMM_BUILD_SECRETS"/*; do
  if [ -d "$secret" ]; then set -- "$@" --volume "$secret:/run/secrets/${secret##*/}:ro"; fi
done
with_buildah "$@" --tag "$KMM_IMAGE" "$work/context"

set -- push --tls-verify="$KMM_IMAGE_TLS_VERIFY" --digestfile "$work/digest"
if [ -n "$login" ] && [ "$KMM_IMAGE_LOGIN" = true ]; then set -- "$@" --authfile "$login"; fi
if [ -n "${KMM_CA:-}" ]; then set -- "$@" --cert-dir "$root$KMM_CA"; fi
with_buildah "$@" "$KMM_IMAGE" "docker://$KMM_IMAGE"

digest="$(cat "$work/digest")"
case "$digest" in
  sha256:*[!0-9a-f]* | sha256:) fail "expected a digest from buildah, got $digest" ;;
  sha256:*) printf '{"result":"Built","digest":"%s"}\n' "$digest" >"$termination_log" ;;
  *) fail "expected a digest from buildah, got $digest" ;;
esac
