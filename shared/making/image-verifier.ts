import type { Clock } from '../core/clock.ts';
import { type LogInSources, logIn } from '../images/log-in.ts';
import { verifyImage } from '../images/verify.ts';
import type { RegistryClient } from '../registry/client.ts';
import { parseReference } from '../registry/reference.ts';
import type { Want } from './image-wants.ts';
import type { Verification, Verify } from './verdicts.ts';

/** Where the kernel's name does not say it. */
const architectureDefault = 'amd64';
/** Of one look into one image: time limits of requests are of their pauses. */
const deadlineMs = 10 * 60_000;

/** Looks into images that were made, with the login that they were pushed with. */
export function imageVerifier(sources: Sources & { clock: Clock }): Verify {
  return async (want, digest) => {
    const { promise: late, resolve } = Promise.withResolvers<Verification>();
    const message = `the image was not read within ${deadlineMs / 60_000} minutes`;
    const cancel = sources.clock.after(deadlineMs, () => {
      resolve({ kind: 'unknown', reason: 'RegistryUnavailable', message });
    });
    try {
      return await Promise.race([verified(sources, want, digest), late]);
    } finally {
      cancel();
    }
  };
}

type Sources = LogInSources & { registry: RegistryClient };

async function verified(sources: Sources, { request, recipe }: Want, digest: string): Promise<Verification> {
  const parsed = parseReference(request.image);
  if (parsed.kind === 'invalid') return { kind: 'bad', reason: 'InvalidImage', message: parsed.message };
  const { registry, repository } = parsed.reference;
  const login = request.secret && (await logIn(sources, request.secret, parsed.reference));
  if (login?.kind === 'refused') return { kind: 'unknown', reason: 'SecretUnusable', message: login.message };
  return verifyImage({
    client: sources.registry,
    // By its digest: what is judged is what ships.
    target: { reference: { registry, repository, digest }, tls: request.tls, credentials: login?.credentials ?? [] },
    platform: { os: 'linux', architecture: recipe.architecture ?? architectureDefault },
    expected: {
      kernel: recipe.kernel,
      dirName: recipe.dirName,
      moduleName: recipe.moduleName,
      signed: recipe.sign !== undefined,
    },
  });
}
