/** What every object of the program inherits from, to see whether anything was put there. */
const roots: readonly object[] = [
  Object,
  Function,
  Array,
  String,
  Number,
  Boolean,
  BigInt,
  Symbol,
  Date,
  RegExp,
  Error,
  Map,
  Set,
  WeakMap,
  Promise,
  ArrayBuffer,
  DataView,
  Uint8Array,
  Float64Array,
  URL,
  JSON,
  Reflect,
  Math,
  Object.getPrototypeOf(Uint8Array) as object,
  Object.getPrototypeOf(async () => undefined) as object,
  Object.getPrototypeOf(function* () {}) as object,
].flatMap((root) => ("prototype" in root ? [root, root.prototype as object] : [root]));

/** Everything they own now; `expectSame` of a later look fails by the name of what changed. */
export function lookAtIntrinsics(): readonly ReadonlyMap<PropertyKey, PropertyDescriptor>[] {
  return roots.map((root) => new Map(Reflect.ownKeys(root).map((key) => [key, descriptorOf(root, key)])));
}

/** What differs from an earlier look, in words; empty when nothing does. */
export function changedIntrinsics(before: ReturnType<typeof lookAtIntrinsics>): string[] {
  return lookAtIntrinsics().flatMap((now, at) => {
    const was = before[at] as ReadonlyMap<PropertyKey, PropertyDescriptor>;
    const keys = [...new Set([...was.keys(), ...now.keys()])];
    return keys
      .filter((key) => !same(was.get(key), now.get(key)))
      .map((key) => `${nameOf(at)}: ${String(key)}`);
  });
}

function descriptorOf(root: object, key: PropertyKey): PropertyDescriptor {
  return Object.getOwnPropertyDescriptor(root, key) as PropertyDescriptor;
}

function same(one: PropertyDescriptor | undefined, other: PropertyDescriptor | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (["value", "get", "set", "writable", "enumerable", "configurable"] as const).every((name) =>
    Object.is(one[name], other[name]),
  );
}

function nameOf(at: number): string {
  const root = roots[at] as { name?: string; constructor: { name: string } };
  return typeof root === "function" ? (root.name ?? "") : `${root.constructor.name}.prototype`;
}
