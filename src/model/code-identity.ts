/** Which code a run executed. */
export interface CodeIdentity {
  /** The commit's hash. */
  readonly commit: string;
  /** Files that differ from the commit. @default none */
  readonly changed?: readonly string[];
  /** Where the code comes from, without credentials. */
  readonly remote?: string;
}

/** The most names of changed files that a run keeps. */
const mostNames = 50;

/** As the run log of magnus has it; `message` says what is known beyond that, or why nothing is. */
export function codeIdentityRecord(code: CodeIdentity | { readonly problem: string }): object {
  if ("problem" in code) return { code_identifier: "", code_identifier_message: code.problem };
  const { commit, changed = [], remote = "" } = code;
  const more = changed.length > mostNames ? ` and ${changed.length - mostNames} more` : "";
  return {
    code_identifier: commit,
    code_identifier_type: "git",
    code_identifier_dependable: changed.length === 0,
    code_identifier_url: withoutCredentials(remote),
    code_identifier_message:
      changed.length === 0 ? "" : `changes found in ${changed.slice(0, mostNames).join(", ")}${more}`,
  };
}

/** The address of a repository without user name, password and query, which may hold a token. */
export function withoutCredentials(remote: string): string {
  return remote.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1").replace(/[?#].*$/, "");
}
