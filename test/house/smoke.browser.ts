import { openDB } from "idb";
import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { services } from "../browser/page.ts";

describe("the harness", () => {
  it("opens IndexedDB and reads back what it wrote", async () => {
    const name = `smoke-${crypto.randomUUID()}`;
    const db = await openDB(name, 1, { upgrade: (fresh) => void fresh.createObjectStore("lines") });
    const tx = db.transaction("lines", "readwrite", { durability: "strict" });
    await tx.store.put(new TextEncoder().encode("a line"), 1);
    await tx.done;
    expect(new TextDecoder().decode(await db.get("lines", 1))).toBe("a line");
    db.close();
    indexedDB.deleteDatabase(name);
  });

  it("bundles the dependencies and hands over the services", async () => {
    expect(z.parse(z.array(z.number()), [1, 2])).toEqual([1, 2]);
    expect(await services()).toBeTypeOf("object");
    await expect(Promise.reject(new TypeError("gone"))).rejects.toThrow("gone");
  });
});
