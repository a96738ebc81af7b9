/** A database with little room, as browsers behave: past the budget every put fails, and deletions go through. */
export interface Room {
  /** Bytes of segments that may be there. */
  budget: number;
  /** Leaves room for so many bytes more than are there. */
  leave(bytes: number): void;
  restore(): void;
}

export function littleRoom(): Room {
  const { put, delete: remove } = IDBObjectStore.prototype;
  const sizes = new Map<string, number>();
  const used = (): number => [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const room: Room = {
    budget: Number.POSITIVE_INFINITY,
    leave(bytes) {
      room.budget = used() + bytes;
    },
    restore: () => void Object.assign(IDBObjectStore.prototype, { put, delete: remove }),
  };
  IDBObjectStore.prototype.put = function (value: unknown, key?: IDBValidKey) {
    const size = this.name === "segments" ? (value as Uint8Array).byteLength : 0;
    if (used() + size > room.budget)
      throw new DOMException("the test's room is used up", "QuotaExceededError");
    if (size > 0) sizes.set(String(key), size);
    return put.call(this, value, key);
  };
  IDBObjectStore.prototype.delete = function (key: IDBValidKey | IDBKeyRange) {
    if (this.name === "segments" && key instanceof IDBKeyRange) {
      const [run] = key.lower as string[];
      for (const name of sizes.keys()) if (name.startsWith(`${run},`)) sizes.delete(name);
    }
    return remove.call(this, key);
  };
  return room;
}
