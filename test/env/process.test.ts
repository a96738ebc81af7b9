import { execFileSync, spawn } from "node:child_process";
import { expect, it, onTestFinished, vi } from "vitest";
import { answering, freePort, start } from "./process.ts";

const SERVER = `require("http").createServer((_, reply) => reply.end("up")).listen(+process.argv[1], "127.0.0.1");
  console.log("listening");`;

/** Whether a process of the group still runs; one that ended and was not collected by its parent does not. */
function alive(group: number): boolean {
  const lines = execFileSync("ps", ["-eo", "pgid=,stat="], { encoding: "utf8" }).trim().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .some(([id, state]) => Number(id) === group && state?.[0] !== "Z");
}

it("starts a program, waits for it and ends its whole group", async () => {
  const port = await freePort();
  const started = start({ command: "node", args: ["-e", SERVER, String(port)], env: { EXTRA: "1" } });
  onTestFinished(() => started.kill());
  await answering(started, `http://127.0.0.1:${port}/`, 20_000);
  expect(started.output()).toContain("listening");
  await started.stop();
  await vi.waitFor(() => expect(alive(started.pid)).toBe(false));
});

it("gives a program time to end by itself, and then ends it", async () => {
  const polite = start({
    command: "sh",
    args: ["-c", 'trap "echo bye; exit" TERM; echo up; while :; do sleep 0.05; done'],
  });
  onTestFinished(() => polite.kill());
  const deaf = start({ command: "sh", args: ["-c", 'trap "" TERM; echo up; while :; do sleep 0.05; done'] });
  onTestFinished(() => deaf.kill());
  await vi.waitFor(() => expect([polite.output(), deaf.output()]).toEqual(["up\n", "up\n"]));
  await polite.stop();
  expect(polite.output()).toContain("bye\n");
  await deaf.stop(50);
  await vi.waitFor(() => expect(alive(deaf.pid)).toBe(false));
});

it("says what a program printed that ended before it answered", async () => {
  const started = start({ command: "sh", args: ["-c", "echo no such thing >&2; exit 3"] });
  await expect(answering(started, "http://127.0.0.1:1/", 20_000)).rejects.toThrow(
    /ended before.*no such thing/s,
  );
});

it("leaves nothing behind when the test process is killed", async () => {
  const module = JSON.stringify(new URL("./process.ts", import.meta.url).href);
  const script = `const { start } = await import(${module});
    process.stdout.write(String(start({ command: "sleep", args: ["600"] }).pid));`;
  const parent = spawn("node", ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const group = Number(String(await new Promise((resolve) => parent.stdout.once("data", resolve))));
  expect(alive(group)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(alive(group)).toBe(false), { timeout: 10_000 });
});
