import { SuperJSON } from "superjson";

/**
 * superjson, taught what it drops or blurs: it turns ArrayBuffer and DataView into `{}`, NaN inside a typed array
 * into null, and cannot store 64-bit arrays at all (measured with 2.2.6). Typed arrays stay readable: a list of
 * numbers, with the strings of `numberToJson` for what JSON lacks.
 */

const typedArrays = [
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
] as const;

/** NaN, ±Infinity and -0 as the strings that stand for them in a segment; every other number is itself. */
export function numberToJson(value: number): number | string {
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** What `numberToJson` wrote, read back. */
export function numberFromJson(json: number | string): number {
  return typeof json === "number" ? json : Number(json);
}

/**
 * The class of a view on bytes ("Float32Array", "DataView", "ArrayBuffer"), or undefined for anything else: what only
 * calls itself so, and classes that not every platform knows (Float16Array, SharedArrayBuffer).
 */
export function bytesClass(value: unknown): string | undefined {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value)) return name === "DataView" || isTyped(name) ? name : undefined;
  return name === "ArrayBuffer" && isArrayBuffer(value) ? name : undefined;
}

/** A copy of the bytes in sight, not of the whole buffer behind a view. */
export function copyOfBytes(value: ArrayBuffer | ArrayBufferView): ArrayBuffer | ArrayBufferView {
  const bytes = bytesOf(value).slice();
  if (!ArrayBuffer.isView(value)) return bytes.buffer;
  const name = bytesClass(value);
  if (name === "DataView") return new DataView(bytes.buffer);
  return new globalThis[name as (typeof typedArrays)[number]](bytes.buffer);
}

/** A superjson of our own; nothing is registered on the shared default instance. */
export function makeRich(): SuperJSON {
  const rich = new SuperJSON();
  for (const name of typedArrays) {
    rich.registerCustom<ArrayLike<unknown>, (number | string)[]>(
      {
        isApplicable: (value): value is ArrayLike<unknown> => bytesClass(value) === name,
        serialize: (array) =>
          Array.from(array, (item) =>
            typeof item === "bigint" ? String(item) : numberToJson(item as number),
          ),
        deserialize: (json) => restoreTyped(name, json),
      },
      name,
    );
  }
  for (const name of ["ArrayBuffer", "DataView"]) {
    rich.registerCustom<ArrayBuffer | DataView, number[]>(
      {
        isApplicable: (value): value is ArrayBuffer | DataView => bytesClass(value) === name,
        serialize: (value) => Array.from(bytesOf(value)),
        deserialize: (json) => {
          const { buffer } = restoreTyped("Uint8Array", json) as Uint8Array<ArrayBuffer>;
          return name === "DataView" ? new DataView(buffer) : buffer;
        },
      },
      name,
    );
  }
  return rich;
}

function restoreTyped(name: (typeof typedArrays)[number], json: (number | string)[]): ArrayLike<unknown> {
  if (name === "BigInt64Array" || name === "BigUint64Array") {
    return globalThis[name].from(json.map((item) => BigInt(item)));
  }
  return globalThis[name].from(json.map(numberFromJson));
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(value)
    ? value
    : { buffer: value, byteOffset: 0, byteLength: value.byteLength };
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isTyped(name: string): name is (typeof typedArrays)[number] {
  return (typedArrays as readonly string[]).includes(name);
}

/** By the getter that only a true one has, of this frame or another. */
function isArrayBuffer(value: unknown): boolean {
  try {
    Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get?.call(value);
    return true;
  } catch {
    return false;
  }
}
