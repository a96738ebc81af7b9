import type { CodeIdentity } from "../model/code-identity.ts";
import type { RunState } from "../read/state.ts";
import type { LocalStore } from "../stores/store.ts";
import type { Destination } from "../sync/destination.ts";
import type { RunReport } from "./report.ts";
import type { Run } from "./run.ts";

/** What differs between a page and a process; each entry of the package makes one. */
export interface Platform {
  /** `{ name, version, platform }` of what runs the code; goes into the run record. */
  host(): Readonly<Record<string, string>>;
  /** Which code runs, or why that is not known; asked once for each run. */
  code(): Promise<CodeIdentity | { readonly problem: string } | undefined>;
  /** The default store, or the one called `name`. Undefined where nothing durable is to be had. */
  openStore(name?: string): LocalStore | undefined;
  /** Asks the browser to keep this origin's data; true where nothing is ever evicted. */
  persist(): Promise<boolean>;
  /** Destinations named by the environment. */
  destinations(): readonly Destination[];
  /** The setting `name` of the environment; undefined in pages. */
  setting(name: string): string | undefined;
  /** The process's environment, for `MAGNUS_TRACK_*` and `MAGNUS_PRM_*`; undefined in pages. */
  readonly variables: Record<string, string | undefined> | undefined;
  /** The run that `trackThis` means here. */
  readonly current: CurrentRun;
  /** Watches over an open run until the process or page ends; gives what stops watching. */
  watch(run: Watched): () => void;
  /** The command that delivers what waits in the store at `location`; undefined where there is no command line. */
  syncCommand(location: string): string | undefined;
  /**
   * Shows a person at a terminal how a run ended; absent where nobody looks.
   * @param state the run as it is kept; undefined when it is too long to read again
   * @param command delivers what waits
   */
  readonly showEnd?:
    | ((report: RunReport, state: RunState | undefined, command: string | undefined) => void)
    | undefined;
  /** Tells a person something, once, where they look: stderr or the console. */
  warn(message: string): void;
  /** Sends what goes out in the background; in Node it does not keep the process from ending. @default the platform's */
  readonly fetch?: typeof fetch;
  /** Nobody waits any more for what `fetch` has in flight; where that would hold the process, it is given up. */
  letGo?(): void;
  /** A timer that never holds a process open; gives its cancel. */
  timer(run: () => void, millis: number): () => void;
}

/** What a lifecycle does to an open run. */
export interface Watched {
  /** Makes everything durable; the page may be gone a moment later. */
  flush(): void;
  /** As `flush`, at once: the process may be gone when this returns, or live on. */
  save(): void;
  /** The network may be back. */
  online(): void;
  /** The process has nothing left to do. */
  finish(): Promise<unknown>;
  /** The process ends now: only what is synchronous happens. */
  end(status: "SUCCESS" | "FAIL", why: { readonly message?: string; readonly signal?: string }): void;
}

/** The runs that `trackThis` may mean. */
export interface CurrentRun {
  /** Calls `body`; inside it, also later, `innermost` gives `run`. */
  within<T>(run: Run, body: () => T): T;
  /** The run of the innermost `trackRun` around the caller; several where that cannot be told. */
  innermost(): readonly Run[];
}
