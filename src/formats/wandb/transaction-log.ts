import { crc32 } from "../../model/crc32.ts";

/**
 * The file `run-<id>.wandb`: a log of records as LevelDB keeps them, in blocks of 32 KiB. A record that does not fit
 * into the rest of its block goes on in the next ones; a rest too short for a fragment's head is zeros.
 */

const blockSize = 32_768;
/** CRC-32 of type and data, length of the data, type; all little-endian. */
const headSize = 7;
/** What a fragment is of its record. */
const [FULL, FIRST, MIDDLE, LAST] = [1, 2, 3, 4] as const;
/** ":W&B", the magic number 0xBEE1 and the version 0. */
const opening = Uint8Array.of(0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0);

/** The log that holds `records`, piece by piece. */
export function* transactionLog(records: Iterable<Uint8Array>): Generator<Uint8Array<ArrayBuffer>> {
  yield opening;
  let offset = opening.length;
  for (const record of records) {
    for (const piece of pieces(record, offset % blockSize)) {
      yield piece;
      offset += piece.length;
    }
  }
}

/** @param at where in its block the record begins */
function* pieces(record: Uint8Array, at: number): Generator<Uint8Array<ArrayBuffer>> {
  let room = blockSize - at;
  if (room < headSize) {
    yield new Uint8Array(room);
    room = blockSize;
  }
  let isFirst = true;
  for (let start = 0; isFirst || start < record.length; room = blockSize) {
    const end = Math.min(record.length, start + room - headSize);
    const isLast = end === record.length;
    yield fragment(isFirst ? (isLast ? FULL : FIRST) : isLast ? LAST : MIDDLE, record.subarray(start, end));
    start = end;
    isFirst = false;
  }
}

function fragment(type: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headSize + data.length);
  bytes[6] = type;
  bytes.set(data, headSize);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, crc32(bytes.subarray(6)), true);
  head.setUint16(4, data.length, true);
  return bytes;
}
