/**
 * CRC-32 as zlib computes it (polynomial 0xEDB88320), four bytes a turn. It guards each segment's line against
 * torn writes and flipped bits, and names destinations.
 */

const tables: readonly Int32Array[] = /* @__PURE__ */ makeTables();

function makeTables(): readonly Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    first[byte] = crc;
  }
  const all = [first];
  for (let index = 1; index < 4; index++) {
    const before = all[index - 1] as Int32Array;
    all.push(before.map((crc) => (first[crc & 255] as number) ^ (crc >>> 8)));
  }
  return all;
}

/** The CRC-32 of `bytes[0..end)` as an unsigned number. */
export function crc32(bytes: Uint8Array, end: number = bytes.length): number {
  const [t0, t1, t2, t3] = tables as [Int32Array, Int32Array, Int32Array, Int32Array];
  let crc = -1;
  let at = 0;
  for (; at + 4 <= end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t3[crc & 255] as number) ^
      (t2[(crc >>> 8) & 255] as number) ^
      (t1[(crc >>> 16) & 255] as number) ^
      (t0[crc >>> 24] as number);
  }
  for (; at < end; at++) crc = (t0[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Eight lower-case hex digits. */
export function crc32Hex(bytes: Uint8Array, end?: number): string {
  return crc32(bytes, end).toString(16).padStart(8, "0");
}

/** The CRC-32 of a text's UTF-8, as hex. */
export function crc32OfText(text: string): string {
  return crc32Hex(new TextEncoder().encode(text));
}
