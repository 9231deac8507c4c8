import { extract, type Header } from 'tar-stream';
import { ArchiveRefused } from './archive-refused.ts';

export interface LayerEntry {
  /** Of all entries of the layer, from 0. */
  ordinal: number;
  header: Header;
  /** To be read whole before the next entry is asked for, or not at all. */
  content: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar, one after another, however large it is: no content is kept. (tar-stream refuses headers of more than
 * 4 MB and what has no checksum.) Throws `ArchiveRefused` for what is no tar, and what `archive` throws.
 */
export async function* entriesOf(archive: AsyncIterable<Uint8Array>): AsyncGenerator<LayerEntry, void, undefined> {
  // Old tars have no magic word; the type of the options does not know that it may be left out.
  const tar = extract({ allowUnknownFormat: true } as Parameters<typeof extract>[0]);
  const fed = feed(archive, tar);
  let ordinal = 0;
  try {
    for await (const entry of tar) {
      yield { ordinal, header: entry.header, content: entry as unknown as AsyncIterable<Uint8Array> };
      ordinal += 1;
      entry.resume();
    }
  } catch (error) {
    const reason = await fed;
    if (reason !== undefined) throw reason.error;
    throw new ArchiveRefused('BadArchive', `a layer is no tar: ${error instanceof Error ? error.message : error}`);
  } finally {
    tar.destroy(null);
  }
}

/** Gives why `archive` could not be read to its end; undefined also when nobody wants more of it. */
async function feed(archive: AsyncIterable<Uint8Array>, tar: ReturnType<typeof extract>) {
  let wake = (): void => undefined;
  tar.on('drain', () => wake());
  tar.on('close', () => wake());
  try {
    for await (const chunk of archive) {
      if (tar.destroyed) return undefined;
      if (tar.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (tar.destroyed) resolve();
      });
    }
    tar.end(null);
    return undefined;
  } catch (error) {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    return { error };
  }
}
