/** What was read of a body. */
export interface Read {
  readonly bytes: Uint8Array;
  /** True when there was more than the limit; `bytes` holds the part up to it. */
  readonly cut: boolean;
}

/** Reads at most `limit` bytes (after the transport's decompression) and cancels the rest. */
export async function readBody(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Read> {
  if (body === null) return { bytes: new Uint8Array(), cut: false };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: joined(chunks, size), cut: false };
    chunks.push(value);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      return { bytes: joined(chunks, size).subarray(0, limit), cut: true };
    }
  }
}

/** All chunks in one; a single one as it is. */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
