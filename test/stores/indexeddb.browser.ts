import { deleteDB, openDB } from "idb";
import { afterEach, describe, expect, it } from "vitest";
import { indexedDbStore } from "../../src/stores/indexeddb.ts";
import type { LocalStore } from "../../src/stores/store.ts";
import { freshRun, listOf, segmentOf, segmentsOf, textOf, textsOf, writerOf } from "../contract/segments.ts";
import { storeContract } from "../contract/store.ts";

storeContract("indexeddb store", async () => {
  const name = crypto.randomUUID();
  const store = indexedDbStore(name);
  const cleanup = async (): Promise<void> => {
    await store.close();
    await deleteDB(`runlog:${name}`);
  };
  return { store, local: store, reopen: async () => indexedDbStore(name), cleanup };
});

describe("indexeddb store, specially", () => {
  const stores: LocalStore[] = [];
  const open = (name: string = crypto.randomUUID()): LocalStore => {
    const store = indexedDbStore(name);
    stores.push(store);
    return store;
  };
  afterEach(async () => {
    for (const store of stores) await store.close();
    for (const location of new Set(stores.map((store) => store.location))) await deleteDB(location);
    stores.length = 0;
  });

  it("gives two instances one id, and another database another", async () => {
    const one = open("a");
    const [id, again, other] = await Promise.all([one.id(), open("a").id(), open("b").id()]);
    expect(again).toBe(id);
    expect(other).not.toBe(id);
  });

  it("keeps numbers contiguous when two instances take the same segments at once", async () => {
    const [one, other] = [open("both"), open("both")];
    const run = freshRun();
    const all = segmentsOf(run, 0, 30);
    await Promise.all([one.append(all), other.append(all), one.append(all.slice(0, 10))]);
    expect(await textsOf(other.segments(run))).toEqual(all.map(textOf));
  });

  it("tells a watcher in another instance", async () => {
    const [one, other] = [open("hint"), open("hint")];
    const end = new AbortController();
    const run = freshRun();
    const watch = other.watch(run, end.signal)[Symbol.asyncIterator]();
    await watch.next();
    const changed = watch.next();
    await one.append(segmentsOf(run, 0, 1));
    expect(await changed).toMatchObject({ done: false });
    end.abort();
    expect(await watch.return?.()).toMatchObject({ done: true });
  });

  it("ends its watches when it is closed", async () => {
    const store = open();
    const watch = store.watch(undefined, new AbortController().signal)[Symbol.asyncIterator]();
    await watch.next();
    const end = watch.next();
    await store.close();
    expect(await end).toMatchObject({ done: true });
  });

  it("goes on after its connection was closed under it, and lets others upgrade", async () => {
    const store = open("upgraded");
    const run = freshRun();
    await store.append(segmentsOf(run, 0, 2));
    const newer = await openDB(store.location, 2, { upgrade: (db) => void db.createObjectStore("later") });
    newer.close();
    await store.append(segmentsOf(run, 2, 3));
    expect(await store.position(run)).toEqual({ [writerOf(0)]: 3 });
  });

  it("reads around a damaged and a missing line", async () => {
    const store = open("damaged");
    const run = freshRun();
    await store.append(segmentsOf(run, 0, 4));
    const db = await openDB(store.location);
    const line = (await db.get("segments", [run, writerOf(0), 1])) as Uint8Array;
    line[40] = (line[40] ?? 0) ^ 1;
    await db.put("segments", line, [run, writerOf(0), 1]);
    await db.delete("segments", [run, writerOf(0), 2]);
    db.close();
    const read = await listOf(store.segments(run));
    expect(read.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
    expect(read.slice(1, 3).map(textOf)).toEqual(
      Array(2).fill(expect.stringContaining('"reason":"damaged"')),
    );
    await store.append([segmentOf({ run, seq: 1 })]);
    expect((await textsOf(store.segments(run)))[1]).toBe(textOf(segmentOf({ run, seq: 1 })));
  });

  it("stores a line, not the buffer around it", async () => {
    const store = open("views");
    const run = freshRun();
    const segment = segmentOf({ run, seq: 0 });
    const around = new Uint8Array(1_000_000);
    around.set(segment.bytes, 500);
    await store.append([{ ...segment, bytes: around.subarray(500, 500 + segment.bytes.length) }]);
    const db = await openDB(store.location);
    const line = (await db.get("segments", [run, writerOf(0), 0])) as Uint8Array;
    db.close();
    expect(line.buffer.byteLength).toBe(segment.bytes.length);
    expect(await textsOf(store.segments(run))).toEqual([textOf(segment)]);
  });

  it("says within seconds that the database does not open, and opens it once it does", async () => {
    const store = open("held");
    const holder = await openDB(store.location, 1);
    const deleting = deleteDB(store.location); // waits for the holder, and every opening waits for it
    await expect(store.id()).rejects.toMatchObject({
      code: "storage_unavailable",
      message: expect.stringContaining("5 s"),
    });
    holder.close();
    await deleting;
    expect(await store.id()).toMatch(/^[0-9a-f]{32}$/);
  });

  it("leases where there are no Web Locks", async () => {
    const { databaseLeases } = await import("../../src/stores/indexeddb-ledger.ts");
    const { connectTo } = await import("../../src/stores/indexeddb-connection.ts");
    const store = open("leases");
    const connection = connectTo(store.location);
    const table = databaseLeases(connection);
    expect(await table.claim("n", "me", 1_000)).toBe(true);
    expect(await table.claim("n", "you", 61_000)).toBe(false);
    expect(await table.claim("n", "me", 61_000)).toBe(true);
    expect(await table.claim("n", "you", 121_001)).toBe(true);
    expect(await table.claim("n", "me", 121_002)).toBe(false);
    expect(await table.claim("n", "me", 121_003, true)).toBe(true);
    expect(await table.claim("n", "you", 121_001, true)).toBe(true);
    await table.release("n", "me");
    expect(await table.touched("n")).toBe(121_001);
    await table.release("n", "you");
    expect(await table.touched("n")).toBeUndefined();
    connection.close();
  });
});
