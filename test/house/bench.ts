/** Runs the files of test/bench, one after the other, each in a process of its own. Arguments choose by part of the path. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

const filters = process.argv.slice(2);
const files = globSync("test/bench/*.ts").sort();
for (const file of files.filter(
  (path) => filters.length === 0 || filters.some((part) => path.includes(part)),
)) {
  console.log(`# ${file}`);
  const { status } = spawnSync(process.execPath, [file], { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
