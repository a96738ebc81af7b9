/** Runs one vitest project and counts its tests. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "../env/find.ts";
import type { Part } from "./count.ts";

/** A vitest project of test/vitest.config.ts. */
export type Project = "node" | "browser" | "long";

/** What vitest's JSON reporter says, of which we read this. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { status: string; assertionResults: readonly { status: string }[] }[];
}

/** Runs the files of `project` whose path holds one of `filters` (all where there is none). */
export async function runVitest(project: Project, filters: readonly string[]): Promise<Part> {
  const name = `vitest ${project}`;
  if (project === "browser" && chromium() === undefined) return { name, passed: 0, failed: 0, skipped: 1 };
  const folder = await mkdtemp(join(tmpdir(), "runlog-vitest-"));
  try {
    const output = join(folder, "report.json");
    const args = ["run", "--config", "test/vitest.config.ts", "--project", project, "--passWithNoTests"];
    const status = await vitest([
      ...args,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${output}`,
      ...filters,
    ]);
    return count(name, status, await readFile(output, "utf8").catch(() => ""));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file that does not load holds no failed test, and an unhandled error none either: each counts as one failure. */
function count(name: string, status: number, text: string): Part {
  if (text === "") return { name, passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  const report = JSON.parse(text) as Report;
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  const failed = report.numFailedTests + broken.length;
  return {
    name,
    passed: report.numPassedTests,
    failed: status !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function vitest(args: readonly string[]): Promise<number> {
  const child = spawn("vitest", args, { stdio: ["ignore", "inherit", "inherit"] });
  process.once("exit", () => child.kill());
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
