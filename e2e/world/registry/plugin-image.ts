import { buildImage, type OciImage } from './oci-image.ts';

/** Ends at once when it is told to: the sleep is in the background, because a shell waits for one in the foreground. */
const untilStopped = `#!/bin/sh
trap 'kill "$pause" 2>/dev/null; exit 0' TERM INT
echo 'device plugin runs'
while :; do
  sleep 5 &
  pause=$!
  wait "$pause"
done
`;

/** A device plugin that does nothing but run. `comment` makes another image of it. */
export function buildPluginImage(options: { comment?: string } = {}): Promise<OciImage> {
  return buildImage({
    layers: [
      [
        { path: '/usr/bin/device-plugin', content: untilStopped, mode: 0o755 },
        { path: '/comment', content: options.comment ?? '' },
      ],
    ],
    config: { Entrypoint: ['/usr/bin/device-plugin'] },
  });
}
