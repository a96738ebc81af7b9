import { cpSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LedgerEntry, LocalStore, Pause } from "../../src/stores/store.ts";
import { listOf, segmentsOf, textOf, textsOf, writerOf } from "../contract/segments.ts";
import { watchDisk } from "./disk-calls.ts";
import { errno, folderForEachTest, run, writer } from "./folder.ts";

/**
 * Every call to the disk of every operation fails once. The operation says so, or came to what it should; nothing is
 * taken for absent because it could not be read; and once the disk does well again it works.
 */

const folder = folderForEachTest();
const problem = { code: "unreachable", message: "m", action: "a" };
const entry: LedgerEntry = {
  url: "http://a",
  position: { [writer]: [1, 0] },
  delivered: 1,
  setAside: 0,
  state: {},
};
const pause: Pause = { failures: 1, since: 1, until: 2, problem };
const item = { writer, seq: 1, index: 0, reason: "r", item: 1 };
const texts = (to: number): string[] => segmentsOf(run, 0, to).map(textOf);

interface Operation {
  /** @param store another instance wrote three segments, a ledger, a pause and a note to its folder */
  readonly work: (store: LocalStore) => unknown;
  /** What it gives, or what is seen by another instance afterwards. */
  readonly seen: (store: LocalStore) => Promise<unknown>;
  readonly expected: unknown;
}

const itself = async (): Promise<undefined> => undefined;
const operations: Record<string, Operation> = {
  append: {
    work: (store) => store.append(segmentsOf(run, 2, 5)),
    seen: (store) => textsOf(store.segments(run)),
    expected: texts(5),
  },
  "append again": {
    work: (store) => store.append(segmentsOf(run, 0, 3)),
    seen: (store) => textsOf(store.segments(run)),
    expected: texts(3),
  },
  "append without waiting": {
    work: (store) => store.appendSync?.(segmentsOf(run, 3, 5)),
    seen: (store) => textsOf(store.segments(run)),
    expected: texts(5),
  },
  "ledger.write": {
    work: (store) => store.ledger.write(run, "mlflow-0", { ...entry, delivered: 2 }),
    seen: (store) => store.ledger.read(run, "mlflow-0"),
    expected: { ...entry, delivered: 2 },
  },
  "ledger.setAside": {
    work: (store) => store.ledger.setAside(run, "mlflow-0", { ...item, seq: 2 }),
    seen: (store) => store.ledger.aside(run, "mlflow-0"),
    expected: [item, { ...item, seq: 2 }],
  },
  "ledger.setPause": {
    work: (store) => store.ledger.setPause("mlflow-0", { ...pause, failures: 2 }),
    seen: (store) => store.ledger.pause("mlflow-0"),
    expected: { ...pause, failures: 2 },
  },
  "ledger.setPause to none": {
    work: (store) => store.ledger.setPause("mlflow-0", undefined),
    seen: (store) => store.ledger.pause("mlflow-0"),
    expected: undefined,
  },
  delete: {
    work: (store) => store.delete(run),
    seen: async (store) => [await listOf(store.runs()), await store.position(run)],
    expected: [[], {}],
  },
  touch: {
    work: (store) => store.touch(run, writer),
    seen: async (store) => ((await store.lastWrite(run, writer)) ?? 0) > Date.now() - 60_000,
    expected: true,
  },
  position: { work: (store) => store.position(run), seen: itself, expected: { [writer]: 3 } },
  segments: { work: (store) => textsOf(store.segments(run)), seen: itself, expected: texts(3) },
  runs: {
    work: async (store) => (await listOf(store.runs())).map((summary) => summary.run),
    seen: itself,
    expected: [run],
  },
  lastWrite: {
    work: async (store) => ((await store.lastWrite(run, writer)) ?? 0) > Date.now() - 60_000,
    seen: itself,
    expected: true,
  },
  "ledger.read": { work: (store) => store.ledger.read(run, "mlflow-0"), seen: itself, expected: entry },
  "ledger.aside": { work: (store) => store.ledger.aside(run, "mlflow-0"), seen: itself, expected: [item] },
  "ledger.pause": { work: (store) => store.ledger.pause("mlflow-0"), seen: itself, expected: pause },
  id: { work: async (store) => (await store.id()).length, seen: itself, expected: 32 },
  idSync: { work: (store) => store.idSync?.().length, seen: itself, expected: 32 },
};

/** A folder that holds what the operations need. */
async function prepare(): Promise<string> {
  const path = join(folder.path, "whole");
  const store = folder.openStore(path);
  await store.append(segmentsOf(run, 0, 3));
  await store.ledger.write(run, "mlflow-0", entry);
  await store.ledger.setAside(run, "mlflow-0", item);
  await store.ledger.setPause("mlflow-0", pause);
  return path;
}

describe("a call to the disk that fails in", () => {
  it.each(Object.keys(operations))("%s", async (name) => {
    const { work, seen, expected } = operations[name] as Operation;
    const path = await prepare();
    const disk = await watchDisk(folder.path);
    const outcome = async (store: LocalStore, at: string): Promise<unknown> => {
      const given = await work(store);
      return seen === itself ? given : seen(folder.openStore(at));
    };
    const copy = (to: string): string => {
      cpSync(path, join(folder.path, to), { recursive: true });
      return join(folder.path, to);
    };
    const unharmed = folder.openStore(copy("unharmed"));
    disk.done.length = 0;
    await work(unharmed);
    const calls = disk.done.length;
    expect(calls).toBeGreaterThan(0);
    for (let call = 0; call < calls; call++) {
      const at = copy(String(call));
      const store = folder.openStore(at);
      disk.done.length = 0;
      disk.fail(call, errno("EIO"));
      const told = await Promise.resolve()
        .then(() => work(store))
        .then(
          (given) => ({ given }),
          (error: unknown) => ({ error }),
        );
      const failed = disk.done[call];
      disk.clear();
      if ("error" in told) {
        const { error } = told;
        expect(error, failed).toMatchObject({
          code: "storage_unavailable",
          message: expect.stringContaining(at),
        });
        expect(await outcome(store, at), failed).toEqual(expected);
      } else if (seen === itself) expect(told.given, failed).toEqual(expected);
      else expect(await seen(folder.openStore(at)), failed).toEqual(expected);
    }
  });
});

it("a file that another program removes in the middle of a reading is gone, and nothing fails", async () => {
  const disk = await watchDisk(folder.path);
  const store = folder.openStore();
  await store.append([...segmentsOf(run, 0, 2), ...segmentsOf(run, 0, 1, 1)]);
  const gone = `.journal/${run}/${writerOf(1)}.0.jsonl`;
  const reader = folder.openStore();
  for (const call of ["stat", "open"]) disk.fail(`${call} ${gone}`, errno("ENOENT"));
  expect(await textsOf(reader.segments(run))).toEqual(segmentsOf(run, 0, 2).map(textOf));
  disk.clear();
  expect(await textsOf(reader.segments(run))).toHaveLength(3);
  // Gone for a moment only: it is looked for once more.
  disk.fail(`open ${gone}`, errno("ENOENT"));
  expect(await textsOf(reader.segments(run))).toHaveLength(3);
});

it.each([
  ["EACCES", "storage_unavailable", /make it writable/],
  ["EPERM", "storage_unavailable", /make it writable/],
  ["EROFS", "storage_unavailable", /make it writable/],
  ["ENOTDIR", "storage_unavailable", /is a file: name another/],
  ["EEXIST", "storage_unavailable", /is a file: name another/],
  ["ENOENT", "storage_unavailable", /was removed: name another/],
  ["EMFILE", "storage_unavailable", /ulimit -n/],
  ["ENFILE", "storage_unavailable", /ulimit -n/],
  ["EIO", "storage_unavailable", /check the disk, or name another/],
  ["ENOSPC", "storage_full", /is full \(ENOSPC\); free space/],
  ["EDQUOT", "storage_full", /is full \(EDQUOT\); free space/],
])("%s is told with what to do", async (cause, code, message) => {
  const { ledger } = folder.openStore();
  const disk = await watchDisk(folder.path);
  disk.fail(`mkdir .journal/${run}/ledger`, errno(cause));
  const written = ledger.write(run, "mlflow-0", entry);
  await expect(written).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
