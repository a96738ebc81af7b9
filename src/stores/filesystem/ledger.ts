import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import { parseJson } from "../../model/json.ts";
import { checkFollows, inOrder } from "../memory-ledger.ts";
import type { AsideItem, Ledger, LedgerEntry, Pause } from "../store.ts";
import { errorCode, readingFlag, replaceFile } from "./durable.ts";
import type { Layout } from "./layout.ts";
import { namesIn } from "./scan.ts";

/** The ledger as files beside a run's journal. */

const count = z.int().check(z.nonnegative());
const problemSchema = z.looseObject({ code: z.string(), message: z.string(), action: z.string() });
const entrySchema: z.ZodMiniType<LedgerEntry> = z.looseObject({
  url: z.string(),
  position: z.record(z.string(), z.tuple([count, count])),
  delivered: count,
  setAside: count,
  state: z.record(z.string(), z.unknown()),
  parked: z.optional(problemSchema),
  complete: z.optional(z.boolean()),
  version: z.optional(count),
}) as z.ZodMiniType<LedgerEntry>;
const asideSchema: z.ZodMiniType<AsideItem> = z.looseObject({
  writer: z.string(),
  seq: count,
  index: count,
  reason: z.string(),
  item: z.unknown(),
}) as z.ZodMiniType<AsideItem>;
const pauseSchema: z.ZodMiniType<Pause> = z.looseObject({
  failures: count,
  since: count,
  until: count,
  problem: problemSchema,
}) as z.ZodMiniType<Pause>;

const asideName = /^([0-9a-f]{12})-(\d{1,15})-(\d{1,15})\.json$/;

export function fileLedger(layout: Layout): Ledger {
  const writeJson = async (path: string, value: unknown): Promise<void> => {
    await layout.folders.make(dirname(path));
    await replaceFile(path, `${JSON.stringify(value)}\n`, path);
  };
  return {
    read: (run, destination) => readEntry(layout.run(run).ledger(destination)),
    async write(run, destination, entry) {
      const path = layout.run(run).ledger(destination);
      checkFollows(run, await readEntry(path), entry);
      await writeJson(path, entry);
    },
    setAside(run, destination, item) {
      const name = `${item.writer}-${item.seq}-${item.index}.json`;
      if (!asideName.test(name)) return Promise.reject(new TypeError(`'${name}' names no item of a segment`));
      return writeJson(join(layout.run(run).aside(destination), name), item);
    },
    async aside(run, destination) {
      const folder = layout.run(run).aside(destination);
      const names = ((await namesIn(folder)) ?? []).filter((name) => asideName.test(name));
      const items = await Promise.all(names.map((name) => readAside(folder, name)));
      return items.sort(inOrder);
    },
    async pause(destination) {
      const parsed = pauseSchema.safeParse(await readJson(layout.pause(destination)));
      return parsed.success ? parsed.data : undefined;
    },
    setPause(destination, pause) {
      const path = layout.pause(destination);
      return pause === undefined ? rm(path, { force: true }) : writeJson(path, pause);
    },
  };
}

/** A damaged ledger is a lost one: the destination is brought up to date from the start, which harms nothing. */
async function readEntry(path: string): Promise<LedgerEntry | undefined> {
  const parsed = entrySchema.safeParse(await readJson(path));
  return parsed.success ? parsed.data : undefined;
}

async function readAside(folder: string, name: string): Promise<AsideItem> {
  const parsed = asideSchema.safeParse(await readJson(join(folder, name)));
  if (parsed.success) return parsed.data;
  const [, writer = "", seq, index] = asideName.exec(name) ?? [];
  return { writer, seq: Number(seq), index: Number(index), reason: `'${name}' is damaged`, item: undefined };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return parseJson(await readFile(path, { encoding: "utf8", flag: readingFlag }));
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
