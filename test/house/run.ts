/**
 * Runs every test: vitest in Node and in a Chromium page, the same browser suites bundled in Firefox, WebKit and a
 * web worker. The last line is `N passed, N failed`, with `, N skipped` where some were.
 *
 *     npm test [-- PART-OF-A-PATH ...]       only files whose path holds one of these
 *     npm run test:long                      only *.long.ts and those with larger counts, in Node
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { prepareBrowsers } from "../env/browsers.ts";
import { strict } from "../env/find.ts";
import { preparePython } from "../env/python.ts";
import { runBundles } from "./bundles.ts";
import { closingLine, type Part, sum } from "./count.ts";
import { runVitest } from "./vitest.ts";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { long: { type: "boolean" } },
    allowPositionals: true,
  });
  const [python, browsers] = await Promise.all([preparePython(), prepareBrowsers()]);
  const problems = [...python, ...browsers];
  for (const problem of problems)
    console.error(strict() ? `missing: ${problem}` : `skipping what needs it: ${problem}`);
  const parts: Part[] = problems.length > 0 && strict() ? [missing(problems)] : [];
  parts.push(buildPackage());
  if (values.long === true) {
    process.env.RUNLOG_LONG = "1";
    parts.push(await runVitest("long", positionals));
  } else {
    parts.push(await runVitest("node", positionals));
    parts.push(await runVitest("browser", positionals));
    parts.push(...(await runBundles(positionals)));
  }
  const total = sum(parts);
  for (const part of parts) console.log(`  ${part.name}: ${closingLine(part)}`);
  console.log(closingLine(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}

/** With CI=true a missing part is a failure of its own, also where a filter leaves no test that needs it. */
function missing(problems: readonly string[]): Part {
  return { name: "environment", passed: 0, failed: problems.length, skipped: 0 };
}

/** Tests of the package itself read `dist`. */
function buildPackage(): Part {
  const { status } = spawnSync("node", ["test/house/build.ts", "--if-stale"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return { name: "build", passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

// Everything that tests and browsers leave in the folder for temporary files goes with this run, however it ends.
const temporary = mkdtempSync(join(tmpdir(), "runlog-test-"));
// Some tests look at it as another user.
chmodSync(temporary, 0o755);
process.env.TMPDIR = temporary;
const remove = (): void => rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });

for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.once(signal, () => {
    process.once("exit", remove); // last, after the listeners that end browsers
    process.exit(code);
  });
}
await main().finally(remove);
