import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isPlaceholder, type Segment } from "../../src/model/segment-line.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { listOf, segmentOf, segmentsOf, textOf, writerOf } from "../contract/segments.ts";
import { count } from "./count.ts";
import { randomFrom } from "./random.ts";

/**
 * A journal that a power cut, a bad disk or another program damaged: read, it shows what was written or a gap, never
 * anything else; and the next segment is kept.
 */

const run = "damaged";
const writer = writerOf(0);
const seed = Number(process.env["RUNLOG_SEED"] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
process.stderr.write(`damaged log: RUNLOG_SEED=${seed}\n`);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "runlog-damaged-"));
  await mkdir(join(folder, ".journal", run), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** About 10 kB in 12 lines. */
const written = Array.from({ length: 12 }, (_, seq) => segmentOf({ run, seq, fill: 640 }));
const log = Buffer.concat(written.flatMap(({ bytes }) => [bytes, Buffer.from("\n")]));
/** Where each line begins, and the end of the last. */
const starts = [0];
for (const { bytes } of written) starts.push((starts.at(-1) as number) + bytes.length + 1);

/** What a new instance reads from a journal file of these bytes. */
async function read(bytes: Uint8Array): Promise<Segment[]> {
  await writeFile(join(folder, ".journal", run, `${writer}.0.jsonl`), bytes);
  const store = filesystemStore(folder);
  try {
    return await listOf(store.segments(run));
  } finally {
    await store.close();
  }
}

/** Each is what was written under its number or a placeholder of it; gives the numbers of the placeholders. */
function gapsIn(found: readonly Segment[]): number[] {
  expect(found.map(({ seq }) => seq)).toEqual(found.map((_, at) => at));
  const gaps = found.filter((segment) => isPlaceholder(segment)).map(({ seq }) => seq);
  for (const segment of found)
    if (!gaps.includes(segment.seq)) expect(textOf(segment)).toBe(textOf(written[segment.seq] as Segment));
  return gaps;
}

describe("a damaged journal", () => {
  it(`cut at each of its ${log.length} bytes holds every whole line and takes the next`, async () => {
    for (let end = 0; end <= log.length; end++) {
      const whole = starts.filter((start) => start > 0 && start <= end).length;
      const found = await read(log.subarray(0, end));
      expect(gapsIn(found), `cut at ${end}`).toEqual([]);
      expect(found.length, `cut at ${end}`).toBe(whole);
      if (end % 97 !== 0) continue;
      const store = filesystemStore(folder);
      await store.append(segmentsOf(run, whole, whole + 1));
      await store.close();
      const again = filesystemStore(folder);
      expect((await listOf(again.segments(run))).length, `after a cut at ${end}`).toBe(whole + 1);
      await again.close();
      await rm(join(folder, ".journal", run, `${writer}.1.jsonl`));
    }
  }, 240_000);

  it(`with a bit flipped at each of its ${log.length} bytes loses the lines that it touches, and shows the gap`, async () => {
    for (let at = 0; at < log.length; at++) {
      const bytes = Buffer.from(log);
      bytes[at] = (bytes[at] as number) ^ (1 << Math.floor(random() * 8));
      const line = starts.findLastIndex((start) => start <= at);
      const found = await read(bytes);
      const gaps = gapsIn(found);
      // A line end that became something else joins two lines; one at the end of the file is a torn tail.
      const touched = at === (starts[line + 1] as number) - 1 ? [line, line + 1] : [line];
      const expected = touched.filter((number) => number < found.length);
      expect(gaps, `bit at ${at}`).toEqual(expected);
      expect(found.length, `bit at ${at}`).toBe(touched.includes(11) ? Math.min(...touched) : 12);
    }
  }, 240_000);

  const fuzzed = count({ ci: 1_000, long: 10_000 });
  it(`overwritten, doubled, shuffled and zeroed ${fuzzed} times accepts nothing that was not written`, async () => {
    for (let time = 0; time < fuzzed; time++) gapsIn(await read(fuzz()));
  }, 240_000);
});

/** Some damage to some of it, one to four times. */
function fuzz(): Buffer {
  let bytes = Buffer.from(log);
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const from = Math.floor(random() * bytes.length);
    const to = Math.min(bytes.length, from + 1 + Math.floor(random() ** 3 * 3_000));
    const part = bytes.subarray(from, to);
    const damage = [
      () => bytes.fill(0, from, to),
      () => bytes.fill(10, from, to),
      () => {
        for (let at = 0; at < part.length; at++) part[at] = Math.floor(random() * 256);
      },
      () => (bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])),
      () => (bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])),
      () => (bytes = Buffer.concat([bytes.subarray(from), bytes.subarray(0, from)])),
      () => (bytes = Buffer.concat([bytes, Buffer.alloc(to - from)])),
    ];
    (damage[Math.floor(random() * damage.length)] as () => void)();
  }
  return bytes;
}
