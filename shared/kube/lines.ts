/** The lines of a stream of bytes, without the last one when it is not ended by a newline. Throws when one is longer than `bytesMax`. */
export async function* lines(stream: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n');
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        const line = parts.join('');
        parts = [];
        length = 0;
        if (line !== '') yield line;
      }
      length += piece.length;
      if (length > bytesMax) throw new RangeError(`a line is longer than ${bytesMax} characters`);
      if (piece !== '') parts.push(piece);
    }
  }
}
