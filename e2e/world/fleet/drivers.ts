import { withoutPlus } from '../../../shared/kernel/version.ts';
import { koFile, vermagicOf } from '../kernel/ko.ts';
import { buildModuleImage } from '../registry/module-image.ts';
import { buildPluginImage } from '../registry/plugin-image.ts';
import type { Fleet } from './fleet.ts';

export interface DriverImage {
  /** Image name without tag, below the registry's host: `drivers/fictional-nic`. */
  readonly repository: string;
  /** Kernel module in it. */
  readonly module: string;
  /** Further kernel modules in it, such as one that must be loaded before. */
  readonly also?: readonly string[];
  /** Releases as nodes report them, with their `+` if they have one. */
  readonly kernels: readonly string[];
  /** Makes images of one driver differ, as a new release does. */
  readonly release?: string;
  /** The driver's own version of vermagic, for images that do not fit. */
  readonly vermagic?: string;
  readonly modulesDep?: boolean;
}

/** Pushes one image per kernel, tagged with the kernel as `${KERNEL_FULL_VERSION}` names it; gives the pinned names by kernel version. */
export async function pushDriver(fleet: Fleet, driver: DriverImage): Promise<Record<string, string>> {
  const pinned: Record<string, string> = {};
  for (const release of driver.kernels) {
    const kernel = withoutPlus(release);
    const image = await buildModuleImage({
      kernels: {
        [kernel]: Object.fromEntries(
          [driver.module, ...(driver.also ?? [])].map((name) => [`${name}.ko`, ko(name, release, driver)]),
        ),
      },
      comment: `${driver.module} ${driver.release ?? ''}`,
      ...(driver.modulesDep !== undefined && { modulesDep: driver.modulesDep }),
    });
    pinned[kernel] = (await fleet.push(driver.repository, kernel, image)).pinned;
  }
  return pinned;
}

function ko(
  name: string,
  release: string,
  { vermagic = vermagicOf(release), release: description }: DriverImage,
): Buffer {
  return koFile({ name, vermagic, ...(description && { description }) });
}

/** Pushes a device plugin's image; gives its name with the tag. */
export async function pushPlugin(fleet: Fleet, repository: string, tag: string): Promise<string> {
  return (await fleet.push(repository, tag, await buildPluginImage({ comment: tag }))).name;
}
