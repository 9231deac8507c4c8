import type { OpenShiftBuild } from '../../../shared/build/openshift-build.ts';
import { buildNameLabel } from '../../../shared/build/openshift-kinds.ts';
import { environment, secretVolume } from '../../../shared/build/step.ts';
import type { Pod } from '../../../shared/kube/object.ts';

const folders = {
  push: '/var/run/secrets/openshift.io/push',
  volumes: '/var/run/secrets/openshift.io/volumes',
} as const;

/** OpenShift's builder is buildah, too. */
const script = `work="$ROOT/tmp/build"
mkdir -p "$work"
printf '%s' "$DOCKERFILE" >"$work/Dockerfile"
set -- build --root "$work/storage" --file "$work/Dockerfile" --tag "$OUTPUT"
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
buildah "$@" "$work"
set -- push --root "$work/storage" --digestfile "$work/digest"
if [ -n "$PUSH" ]; then set -- "$@" --authfile "$ROOT$PUSH/.dockerconfigjson"; fi
buildah "$@" "$OUTPUT" "docker://$OUTPUT"
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
  const push = spec.output.pushSecret;
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
          volumeMounts: [...mounts, ...(push ? [{ name: 'push', mountPath: folders.push }] : [])],
        },
      ],
      volumes: [
        ...volumes.map(({ name: volume, source }) => secretVolume(volume, source.secret.secretName)),
        ...(push ? [secretVolume('push', push.name)] : []),
      ],
    },
  };
}

function variablesOf({ spec }: OpenShiftBuild): Record<string, string> {
  const { buildArgs, volumes = [] } = spec.strategy.dockerStrategy;
  const mounts = volumes.flatMap(({ name, mounts: to }) =>
    to.map(({ destinationPath }) => `${folders.volumes}/${name} ${destinationPath}`),
  );
  return {
    DOCKERFILE: spec.source.dockerfile,
    OUTPUT: spec.output.to.name,
    PUSH: spec.output.pushSecret ? folders.push : '',
    MOUNTS: mounts.join('\n'),
    ARGUMENTS: String(buildArgs.length),
    ...Object.fromEntries(buildArgs.map(({ name, value }, index) => [`ARGUMENT_${index}`, `${name}=${value}`])),
  };
}
