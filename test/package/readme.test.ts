import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installed } from "./installed.ts";

/** Every sample of the README, as a user types it: compiled by TypeScript, and run, with the installed package. */

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const samples = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```js\n(.*?)^```$/gms)].map(
  ([, code]) => code as string,
);

describe("the README", { timeout: 120_000 }, () => {
  let project: string;
  beforeAll(async () => {
    project = await installed();
    // Not the package's own dependency: a user of that sample has it.
    mkdirSync(join(project, "node_modules/@tensorflow"), { recursive: true });
    symlinkSync(join(root, "node_modules/@tensorflow/tfjs"), join(project, "node_modules/@tensorflow/tfjs"));
    for (const [index, code] of samples.entries()) writeFileSync(join(project, `sample-${index}.ts`), code);
  }, 180_000);
  afterAll(() => rmSync(project, { recursive: true, force: true, maxRetries: 5 }));

  it("has samples", () => {
    expect(samples.length).toBeGreaterThanOrEqual(5);
  });

  it("has samples that compile", async () => {
    const options = {
      compilerOptions: {
        target: "es2022",
        lib: ["es2023", "dom", "esnext.disposable"],
        module: "nodenext",
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        types: [],
      },
      include: ["sample-*.ts"],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(options));
    const compiled = run(join(root, "node_modules/.bin/tsc"), ["-p", project]).catch((error) => error);
    expect(await compiled).toMatchObject({ stdout: "" });
  });

  it.each(samples.map((code, index) => [index, code.split("\n")[0] as string] as const))(
    "has sample %i that runs: %s",
    async (index) => {
      const { RUNLOG_STORE: _, MLFLOW_TRACKING_URI: __, RUNLOG_SERVER: ___, ...env } = process.env;
      const ended = await run(process.execPath, ["--no-warnings", `sample-${index}.ts`], {
        cwd: project,
        env,
      });
      expect(ended.stderr).not.toMatch(/Error|at file:/);
    },
  );
});
