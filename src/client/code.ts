import { ValidationError } from "../errors.ts";
import { type CodeIdentity, codeIdentityRecord } from "../model/code-identity.ts";
import type { RunRecord } from "../model/records.ts";
import type { Platform } from "./platform.ts";

/**
 * The code identities of a run: what the caller names, else what the platform finds out, which takes a moment.
 * @throws {ValidationError} at once, for a code without a commit
 */
export function codesOf(platform: Platform, given: CodeIdentity | undefined): Promise<RunRecord["code"]> {
  if (given !== undefined) return Promise.resolve([codeIdentityRecord(checkCode(given))]);
  return platform.code().then((code) => code && [codeIdentityRecord(code)]);
}

function checkCode(code: CodeIdentity): CodeIdentity {
  const { commit, changed = [], remote = "" } = code;
  if (typeof commit !== "string" || commit === "")
    throw new ValidationError("code", 'must name a commit: { commit: "793b052", changed: ["train.js"] }');
  if (!Array.isArray(changed) || typeof remote !== "string")
    throw new ValidationError(
      "code",
      "must have a list of changed files and a text for the remote, or neither",
    );
  return code;
}
