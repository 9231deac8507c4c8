import type { Clock } from '../core/clock.ts';
import { canonicalJson } from '../core/hash.ts';
import { type LogInSources, logIn } from '../images/log-in.ts';
import type { ExpectedModule } from '../images/module-checks.ts';
import { verifyImage } from '../images/verify.ts';
import type { RegistryClient } from '../registry/client.ts';
import { HostQueue } from '../registry/host-queue.ts';
import { parseReference } from '../registry/reference.ts';
import type { Want } from './image-wants.ts';
import type { Finding, Verify } from './verdicts.ts';

/** Where the kernel's name does not say it. */
const architectureDefault = 'amd64';
/** Of one look into one image: time limits of requests are of their pauses. */
const deadlineMs = 10 * 60_000;

/** Of the requests that there may be at once: the others are for what is over at once, whether an image is there. */
const shareMax = 0.5;

/**
 * Looks into images that were made, with the login that they were pushed with: one download for all who come the same way.
 * `concurrency`: of the registry's client; of that, looks take half at most, so that no registry that lets its answers drip
 * holds what all ask.
 */
export function imageVerifier(sources: Sources & { clock: Clock; concurrency: number }): Verify {
  const queue = new HostQueue(Math.max(1, Math.floor(shareMax * sources.concurrency)));
  return async (wants, digest) => {
    const answers = new Map<Want, Finding>();
    for (const group of groupedByWay(wants)) {
      const look = () => inTime(sources.clock, (signal) => verified(sources, { group, digest, signal }));
      const found = await queue.add(hostOf(group), look);
      for (const [index, answer] of (Array.isArray(found) ? found : group.map(() => found)).entries())
        answers.set(group[index] as Want, answer);
    }
    return wants.flatMap((want) => answers.get(want) ?? []);
  };
}

type Sources = LogInSources & { registry: RegistryClient };
type Wants = [Want, ...Want[]];

/** Another platform is another image; another login or other TLS options may be refused where these are not. */
function groupedByWay(wants: readonly Want[]): Wants[] {
  const groups = new Map<string, Wants>();
  for (const want of wants) {
    const { image, secret, tls } = want.request;
    const way = canonicalJson([image, secret ?? null, { ...tls }, architectureOf(want)]);
    const present = groups.get(way);
    if (present === undefined) groups.set(way, [want]);
    else present.push(want);
  }
  return [...groups.values()];
}

/** Whose place a look takes; what is no reference is answered without one. */
function hostOf([{ request }]: Wants): string {
  const parsed = parseReference(request.image);
  return parsed.kind === 'invalid' ? '' : parsed.reference.registry;
}

/** The one answer for all, if the time is over: the download ends then. */
async function inTime<T>(clock: Clock, look: (signal: AbortSignal) => Promise<T>): Promise<T | Finding> {
  const { promise: late, resolve } = Promise.withResolvers<Finding>();
  const message = `the image was not read within ${deadlineMs / 60_000} minutes`;
  const abort = new AbortController();
  const cancel = clock.after(deadlineMs, () => {
    resolve({ kind: 'unknown', reason: 'RegistryUnavailable', message });
    abort.abort();
  });
  try {
    return await Promise.race([look(abort.signal), late]);
  } finally {
    cancel();
  }
}

async function verified(
  sources: Sources,
  { group, digest, signal }: { group: Wants; digest: string; signal: AbortSignal },
): Promise<Finding | Finding[]> {
  const [first] = group;
  const { image, secret, tls } = first.request;
  const parsed = parseReference(image);
  if (parsed.kind === 'invalid') return { kind: 'bad', reason: 'InvalidImage', message: parsed.message };
  const { registry, repository } = parsed.reference;
  const login = secret && (await logIn(sources, secret, parsed.reference));
  if (login?.kind === 'refused') return { kind: 'unknown', reason: 'SecretUnusable', message: login.message };
  return verifyImage({
    client: sources.registry,
    // By its digest: what is judged is what ships.
    target: { reference: { registry, repository, digest }, tls, credentials: login?.credentials ?? [], signal },
    platform: { os: 'linux', architecture: architectureOf(first) },
    expected: group.map(expectedOf),
  });
}

function architectureOf({ recipe }: Want): string {
  return recipe.architecture ?? architectureDefault;
}

function expectedOf({ recipe: { kernel, dirName, moduleName, sign } }: Want): ExpectedModule {
  return { kernel, dirName, moduleName, signed: sign !== undefined };
}
