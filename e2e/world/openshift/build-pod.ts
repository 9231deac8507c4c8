import type { OpenShiftBuild } from '../../../shared/build/openshift-build.ts';
import { buildNameLabel } from '../../../shared/build/openshift-kinds.ts';
import { environment, secretVolume } from '../../../shared/build/step.ts';
import type { Pod } from '../../../shared/kube/object.ts';

const folders = {
  pull: '/var/run/secrets/openshift.io/pull',
  push: '/var/run/secrets/openshift.io/push',
  volumes: '/var/run/secrets/openshift.io/volumes',
} as const;

/** OpenShift's builder is buildah, too. Here it is a stand-in, or this machine's own, which keeps below ROOT what it writes. */
const script = `work="$ROOT/tmp/build"
mkdir -p "$work/home" "$work/run" "$work/tmp" "$work/context"
export HOME="$work/home" XDG_RUNTIME_DIR="$work/run" TMPDIR="$work/tmp"
unset REGISTRY_AUTH_FILE DOCKER_CONFIG
with_buildah() {
  buildah --root "$work/storage" --runroot "$work/run/storage" --storage-driver vfs "$@"
}
printf '%s' "$DOCKERFILE" >"$work/Dockerfile"
certificates="$ROOT/etc/containers/certs.d/\${OUTPUT%%/*}"
set -- build --isolation chroot --file "$work/Dockerfile" --tag "$OUTPUT" --cert-dir "$certificates"
if [ -n "$PULL" ]; then set -- "$@" --authfile "$ROOT$PULL/.dockerconfigjson"; fi
number=0
while [ "$number" -lt "$ARGUMENTS" ]; do
  eval "argument=\\$ARGUMENT_$number"
  set -- "$@" --build-arg "$argument"
  number=$((number + 1))
done
while read -r from to; do
  if [ -n "$to" ]; then set -- "$@" --volume "$ROOT$from:$to:ro"; fi
done <<END
$MOUNTS
END
with_buildah "$@" "$work/context"
set -- push --digestfile "$work/digest" --cert-dir "$certificates"
if [ -n "$PUSH" ]; then set -- "$@" --authfile "$ROOT$PUSH/.dockerconfigjson"; fi
with_buildah "$@" "$OUTPUT" "docker://$OUTPUT"
cat "$work/digest" >"$ROOT/dev/termination-log"
`;

export function buildPodName({ metadata }: OpenShiftBuild): string {
  return `${metadata.name}-build`;
}

/** The pod that OpenShift makes of a Build: privileged, with its name but none of its labels, owned but not waited for by who deletes the Build. */
export function buildPod(build: OpenShiftBuild, builderImage: string): Pod {
  const { apiVersion, kind, metadata, spec } = build;
  const { name, namespace = '', uid = '' } = metadata;
  const named = { [buildNameLabel]: name };
  const { volumes = [] } = spec.strategy.dockerStrategy;
  const logins = loginsOf(build);
  const mounts = volumes.map(({ name: volume }) => ({ name: volume, mountPath: `${folders.volumes}/${volume}` }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: buildPodName(build),
      namespace,
      labels: named,
      annotations: named,
      ownerReferences: [{ apiVersion, kind, name, uid, controller: true }],
    },
    spec: {
      restartPolicy: 'Never',
      serviceAccountName: spec.serviceAccount,
      activeDeadlineSeconds: spec.completionDeadlineSeconds,
      ...(spec.nodeSelector && { nodeSelector: { ...spec.nodeSelector } }),
      containers: [
        {
          name: 'docker-build',
          image: builderImage,
          command: ['/bin/sh', '-ec', script],
          env: environment(variablesOf(build)),
          terminationMessagePolicy: 'FallbackToLogsOnError',
          securityContext: { privileged: true },
          volumeMounts: [...mounts, ...logins.map(({ use }) => ({ name: use, mountPath: folders[use] }))],
        },
      ],
      volumes: [
        ...volumes.map(({ name: volume, source }) => secretVolume(volume, source.secret.secretName)),
        ...logins.map(({ use, secret }) => secretVolume(use, secret)),
      ],
    },
  };
}

/** The Secrets of logins: for base images, and for what is pushed. */
function loginsOf({ spec }: OpenShiftBuild): { use: 'pull' | 'push'; secret: string }[] {
  const { pullSecret } = spec.strategy.dockerStrategy;
  const { pushSecret } = spec.output;
  return [
    ...(pullSecret ? [{ use: 'pull' as const, secret: pullSecret.name }] : []),
    ...(pushSecret ? [{ use: 'push' as const, secret: pushSecret.name }] : []),
  ];
}

function variablesOf(build: OpenShiftBuild): Record<string, string> {
  const { spec } = build;
  const { buildArgs, volumes = [] } = spec.strategy.dockerStrategy;
  const mounts = volumes.flatMap(({ name, mounts: to }) =>
    to.map(({ destinationPath }) => `${folders.volumes}/${name} ${destinationPath}`),
  );
  return {
    DOCKERFILE: spec.source.dockerfile,
    OUTPUT: spec.output.to.name,
    PULL: '',
    PUSH: '',
    ...Object.fromEntries(loginsOf(build).map(({ use }) => [use.toUpperCase(), folders[use]])),
    MOUNTS: mounts.join('\n'),
    ARGUMENTS: String(buildArgs.length),
    ...Object.fromEntries(buildArgs.map(({ name, value }, index) => [`ARGUMENT_${index}`, `${name}=${value}`])),
  };
}
