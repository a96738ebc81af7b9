/** For Vite: tells the runs of a page which commit it was built from. */
import { gitIdentity } from "./lifecycle/node-git.ts";
import { withoutCredentials } from "./model/code-identity.ts";

/** The part of a Vite plugin that this one has. */
export interface CodePlugin {
  readonly name: string;
  config(): Promise<{ readonly define: Readonly<Record<string, string>> }>;
}

/**
 * A Vite plugin: every run of the page names the git commit of `folder` (by default the working directory), the files
 * changed since and the remote.
 * Another bundler does the same by replacing `__RUNLOG_CODE__` by `{ commit, changed, remote }`.
 *
 *     export default defineConfig({ plugins: [runlogCode()] });
 */
export function runlogCode(folder?: string): CodePlugin {
  return {
    name: "runlog-code",
    async config() {
      const code = await gitIdentity(folder);
      const shown =
        "problem" in code
          ? code
          : { ...code, ...(code.remote && { remote: withoutCredentials(code.remote) }) };
      return { define: { __RUNLOG_CODE__: JSON.stringify(shown) } };
    },
  };
}
