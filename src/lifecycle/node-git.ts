import { execFile } from "node:child_process";
import type { CodeIdentity } from "../model/code-identity.ts";

/** The code identity of a folder, by the program `git`, which never writes there. */

const limitMillis = 1_000;
const mostBytes = 8 * 1_048_576;

/**
 * The commit and what differs from it, or why that is not known: no git, no repository, no commit, no answer in 1 s.
 * @param folder by default the working directory
 */
export async function gitIdentity(folder?: string): Promise<CodeIdentity | { readonly problem: string }> {
  try {
    const [status, remote] = await Promise.all([
      // One call for both: `# branch.oid <hash>`, then a line a changed file.
      git(folder, ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "-z"]),
      // Fails where there is none.
      git(folder, ["config", "--get", "remote.origin.url"]).catch(() => ""),
    ]);
    const commit = /# branch\.oid ([0-9a-f]{40,64})\0/.exec(status)?.[1];
    if (commit === undefined) return { problem: "the git repository has no commit yet" };
    const changed = changedFiles(status);
    return { commit, changed, ...(remote.trim() !== "" && { remote: remote.trim() }) };
  } catch (error) {
    return { problem: reasonOf(error as NodeJS.ErrnoException) };
  }
}

function git(folder: string | undefined, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      "git",
      ["--no-optional-locks", ...args],
      {
        ...(folder !== undefined && { cwd: folder }),
        timeout: limitMillis,
        maxBuffer: mostBytes,
        windowsHide: true,
      },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
    // Nobody waits for it at the end of a process.
    child.unref();
  });
}

/** Entries `1 … <path>`, `2 … <path>` followed by `<old path>`, and `u … <path>` for conflicts. */
function changedFiles(status: string): string[] {
  const changed: string[] = [];
  const entries = status.split("\0");
  for (let at = 0; at < entries.length; at++) {
    const entry = entries[at] as string;
    const fields = { "1": 8, "2": 9, u: 10 }[entry[0] ?? ""];
    if (fields === undefined) continue;
    changed.push(entry.split(" ").slice(fields).join(" "));
    if (entry.startsWith("2")) at += 1;
  }
  return changed;
}

function reasonOf(error: NodeJS.ErrnoException & { killed?: boolean }): string {
  if (error.code === "ENOENT") return "the program git is not installed";
  if (error.killed === true) return `git did not answer within ${limitMillis} ms`;
  return /not a git repository/.test(error.message)
    ? "not a git repository"
    : "git could not tell the commit";
}
