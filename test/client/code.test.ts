import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memoryStore, openStore, startRun } from "runlog";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { gitIdentity } from "../../src/lifecycle/node-git.ts";
import { withoutCredentials } from "../../src/model/code-identity.ts";
import { runScript, temporaryFolder } from "../faults/child.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

function git(...args: string[]): string {
  const config = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
  return execFileSync("git", [...config, ...args], { cwd: folder.path(), encoding: "utf8" }).trim();
}

function commit(): string {
  git("init", "-q");
  mkdirSync(folder.path("sub dir"));
  for (const file of ["train.js", 'sub dir/é "x".js', "old.js", "gone.js"])
    writeFileSync(folder.path(file), `// ${file}\n`.repeat(20));
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  return git("rev-parse", "HEAD");
}

describe("git", () => {
  it("tells the commit of a clean folder, and what differs from it", async () => {
    const hash = commit();
    expect(await gitIdentity(folder.path())).toEqual({ commit: hash, changed: [] });
    appendFileSync(folder.path("train.js"), "// more\n");
    appendFileSync(folder.path('sub dir/é "x".js'), "// staged\n");
    git("add", "sub dir");
    git("mv", "old.js", "new name.js");
    git("rm", "-q", "gone.js");
    writeFileSync(folder.path("untracked.js"), "");
    const found = await gitIdentity(folder.path());
    expect("changed" in found && found.changed?.toSorted()).toEqual([
      "gone.js",
      "new name.js",
      'sub dir/é "x".js',
      "train.js",
    ]);
    expect(await gitIdentity(folder.path("sub dir"))).toMatchObject({ commit: hash });
  });

  it("that is missing, or knows no commit, is said", async () => {
    expect(await gitIdentity(folder.path())).toEqual({ problem: "not a git repository" });
    git("init", "-q");
    expect(await gitIdentity(folder.path())).toEqual({ problem: "the git repository has no commit yet" });
    const { PATH } = process.env;
    process.env["PATH"] = "/nowhere";
    const found = await gitIdentity(folder.path()).finally(() => {
      process.env["PATH"] = PATH;
    });
    expect(found).toEqual({ problem: "the program git is not installed" });
  });
});

it.each([
  ["https://user:secret@example.com/a/b.git", "https://example.com/a/b.git"],
  ["https://secret@example.com/a?token=secret#secret", "https://example.com/a"],
  ["https://a:p@ss@example.com/b", "https://example.com/b"],
  ["git@example.com:a/b.git", "git@example.com:a/b.git"],
  ["/srv/git/b.git", "/srv/git/b.git"],
])("the remote %s is kept as %s", (remote, kept) => {
  expect(withoutCredentials(remote)).toBe(kept);
});

describe("a run", () => {
  it("in Node names the commit of its working directory in the run log, without secrets", async () => {
    const hash = commit();
    git("remote", "add", "origin", "https://me:planted-secret@example.com/a.git");
    appendFileSync(folder.path("train.js"), "// more\n");
    const store = folder.path("store");
    const ended = await runScript("report", { cwd: folder.path(), env: { RUNLOG_STORE: store } });
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    const { report } = JSON.parse(ended.stdout) as { report: { run: string } };
    const { steps } = await openStore(store).runLog(report.run);
    expect(steps["main"]?.code_identities).toEqual([
      {
        code_identifier: hash,
        code_identifier_type: "git",
        code_identifier_dependable: false,
        code_identifier_url: "https://example.com/a.git",
        code_identifier_message: "changes found in train.js",
      },
    ]);
    const paths = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const texts = paths.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "utf8"));
    expect(texts.filter((text) => text.includes(hash)).length).toBeGreaterThan(1);
    expect(texts.filter((text) => text.includes("planted-secret"))).toEqual([]);
  });

  it("takes the caller's word, and refuses one without a commit at once", async () => {
    const store = memoryStore();
    const run = startRun({ store, syncTo: [], quiet: true, code: { commit: "793b052" } });
    await run.finish();
    expect((await openStore(store).runLog(run.id)).steps["main"]?.code_identities).toMatchObject([
      { code_identifier: "793b052", code_identifier_dependable: true },
    ]);
    expect(() => startRun({ store, code: { commit: "" } })).toThrow("'code' must name a commit");
  });
});
