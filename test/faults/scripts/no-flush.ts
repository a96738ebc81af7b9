/** What a tracker without fsync does: appends lines to the file of its argument and calls each written saved. */

import { writeSync } from "node:fs";
import { appendFile } from "node:fs/promises";

const [file = ""] = process.argv.slice(2);
for (let step = 0; ; step++) {
  await appendFile(file, `${JSON.stringify({ step, loss: 1 / (step + 1) })}\n`);
  if (step % 20 === 19) writeSync(3, `flushed ${step}\n`);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
