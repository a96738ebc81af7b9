import { randomBytes } from "node:crypto";
import { errorCode, isFull } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { openStoreId, openStoreIdSync } from "./store-id.ts";

/**
 * The store's id also while the disk is full or no file can be opened, which passes: then an id that only this instance
 * knows, and a run may begin and wait for room as one that met a full disk later. `publish` comes before each writing
 * and makes it the store's. Where another process made one meanwhile that stays, and nobody closes what this writer
 * leaves open: a run is closed by its own store alone.
 */
export interface StoreId {
  open(): Promise<string>;
  openSync(): string;
  publish(): Promise<void>;
  publishSync(): void;
}

export function createStoreId(layout: Layout): StoreId {
  let own: string | undefined;
  /** What this instance found or made, and knows to be durable. */
  let known: string | undefined;
  const unpublished = (error: unknown): string => {
    if (!passes(error)) throw error;
    if (known !== undefined) return known;
    own ??= newId();
    return own;
  };
  const open = async (): Promise<string> => {
    known = await openStoreId(layout, own ?? newId(), known);
    return known;
  };
  const openSync = (): string => {
    known = openStoreIdSync(layout, own ?? newId(), known);
    return known;
  };
  return {
    // Once more after any error: it decides whether a run goes to the disk or, to its end, to memory.
    open: () => open().catch(open).catch(unpublished),
    openSync() {
      try {
        return openSync();
      } catch (error) {
        return unpublished(error);
      }
    },
    async publish() {
      if (own !== undefined) await open();
      own = undefined;
    },
    publishSync() {
      if (own !== undefined) openSync();
      own = undefined;
    },
  };
}

function newId(): string {
  return randomBytes(16).toString("hex");
}

function passes(error: unknown): boolean {
  return isFull(error) || ["EMFILE", "ENFILE"].includes(errorCode(error) ?? "");
}
