import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { layoutOf } from "../../src/stores/filesystem/layout.ts";
import { signatureOf } from "../../src/stores/filesystem/signature.ts";
import { segmentsOf } from "../contract/segments.ts";
import { watchDisk } from "./disk-calls.ts";
import { errno, folderForEachTest, run, writer } from "./folder.ts";

const folder = folderForEachTest();

it("a signature differs once a run grew or was deleted, and for nothing else", async () => {
  const layout = layoutOf(folder.path);
  const store = folder.openStore();
  const seen = async (of?: string): Promise<string> => signatureOf(layout, of);
  expect(await seen()).toBe("");
  await store.append([...segmentsOf(run, 0, 1), ...segmentsOf("other", 0, 1)]);
  const [mine, other, all] = [await seen(run), await seen("other"), await seen()];
  expect(new Set([mine, other, all]).size).toBe(3);
  await store.ledger.write(run, "mlflow-0", { url: "u", position: {}, delivered: 0, setAside: 0, state: {} });
  await store.ledger.setPause("mlflow-0", undefined);
  mkdirSync(join(layout.journal, ".odd"));
  writeFileSync(join(layout.journal, "notes"), "no run");
  writeFileSync(folder.journal("notes.txt"), "no journal");
  expect([await seen(run), await seen("other"), await seen()]).toEqual([mine, other, all]);
  await store.append(segmentsOf(run, 1, 2));
  expect(await seen(run)).not.toBe(mine);
  expect(await seen("other")).toBe(other);
  expect(await seen()).not.toBe(all);
  const before = await seen(run);
  await store.delete(run);
  expect(await seen(run)).not.toBe(before);
});

it("a signature of what is removed meanwhile is none of what was there; what cannot be read is told", async () => {
  const layout = layoutOf(folder.path);
  await folder.openStore().append(segmentsOf(run, 0, 1));
  const before = await signatureOf(layout, run);
  const { fail } = await watchDisk(folder.path);
  const path = `.journal/${run}/${writer}.0.jsonl`;
  fail(`stat ${path}`, errno("ENOENT"));
  expect(await signatureOf(layout, run)).not.toBe(before);
  fail(`stat ${path}`, errno("EIO"));
  await expect(signatureOf(layout, run)).rejects.toMatchObject({ code: "EIO" });
  fail("readdir .journal", errno("EIO"));
  await expect(signatureOf(layout, undefined)).rejects.toMatchObject({ code: "EIO" });
});
