/** A program for tests: appends segments of one writer (argv[3] names which) and prints each number once it is durable. */
import { filesystemStore } from "../../src/stores/filesystem/index.ts";
import { segmentOf } from "../contract/segments.ts";

const [, , folder = "", writer = "0"] = process.argv;
const store = filesystemStore(folder);
for (let seq = 0; ; seq += 2) {
  const pair = [seq, seq + 1].map((each) =>
    segmentOf({ run: "shared", writer: Number(writer), seq: each, fill: 3_000 }),
  );
  await Promise.all(pair.map((segment) => store.append([segment])));
  process.stdout.write(`${seq + 1}\n`);
}
