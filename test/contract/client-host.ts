import type { LocalStore, RunOptions } from "runlog";
import type { Client } from "../../src/run.ts";

/** What a client is judged with: the functions of an entry, and a store that is new for each test. */
export interface ClientHost {
  readonly api: Client;
  /** A new, empty store. */
  make(): Promise<LocalStore>;
  /** The same store as another process or a reloaded page would open it. */
  reopen(store: LocalStore): Promise<LocalStore>;
  /** What `flush` says of that store. */
  readonly durable: "disk" | "memory";
}

/** Options of a run, with a store. */
export type Given = Omit<RunOptions, "store"> & { readonly store: LocalStore };

/** Makes options with a new store, delivered nowhere, that print nothing. */
export function givenBy(host: ClientHost): (more?: Omit<RunOptions, "store">) => Promise<Given> {
  return async (more = {}) => ({ store: await host.make(), syncTo: [], quiet: true, ...more });
}

/** All items. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
