/**
 * First step of `npm start` and `npm test`, in plain JavaScript for any Node from 20 on with nothing installed:
 * installs the dependencies where they are missing or old, then runs the rest on the Node among them.
 *
 *     node test/house/setup.mjs [--build] SCRIPT [ARGUMENTS]
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const mark = join(root, "node_modules", ".runlog-installed");
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };

/** Changes with what package.json and the lock ask for. */
function wanted() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  return createHash("sha256")
    .update(JSON.stringify([dependencies, devDependencies]))
    .update(lock)
    .digest("hex");
}

/** Runs a step to its end; a failing one ends this process with its exit code. */
function step(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: ["ignore", 2, 2] });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const node = join(bin, process.platform === "win32" ? "node.exe" : "node");
if (!existsSync(mark) || readFileSync(mark, "utf8") !== wanted() || !existsSync(node)) {
  process.stderr.write("installing dependencies (once)\n");
  step("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(mark, wanted());
}

const args = process.argv.slice(2);
if (args[0] === "--build") {
  args.shift();
  step(node, [join(root, "test/house/build.ts"), "--if-stale"]);
}
const [script = "", ...rest] = args;
const child = spawn(node, [join(root, script), ...rest], { cwd: root, env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  if (signal !== null) process.removeAllListeners(signal).kill(process.pid, signal);
  else process.exitCode = code ?? 1;
});
