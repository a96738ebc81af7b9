/** Real browsers on a profile that outlives them, each ended by SIGKILL of all its processes. */
import { once } from "node:events";
import puppeteer from "puppeteer-core";
import { CHROMIUM_FLAGS } from "../../browser/flags.ts";
import { chromium, firefox } from "../../env/find.ts";
import { start } from "../../env/process.ts";

/** A browser with one page open. */
export interface Killable {
  /** Ends all its processes at once, as a crash or the loss of power would. */
  kill(): Promise<void>;
  /** Rejects, with what it printed, once it ended by itself or was killed. */
  readonly gone: Promise<never>;
}

/** Opens `url` on the profile in the folder `profile`, headless. */
export const openProfile: Record<
  "chromium" | "firefox",
  (profile: string, url: string, flags?: readonly string[]) => Promise<Killable>
> = {
  async chromium(profile, url, flags = []) {
    const own = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
    const args = [...CHROMIUM_FLAGS, ...own, ...flags, url];
    const started = start({ command: chromium() as string, args });
    return { kill: () => started.kill(), gone: rejected(started.ended, () => started.output()) };
  },
  async firefox(profile, url) {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: firefox() as string,
      headless: true,
      userDataDir: profile,
    });
    const child = browser.process();
    if (child?.pid === undefined) throw new Error("Firefox did not start");
    const ended = once(child, "exit");
    // It leads a process group of its own.
    const group = -child.pid;
    const kill = async (): Promise<void> => {
      if (child.exitCode === null && child.signalCode === null) process.kill(group, "SIGKILL");
      await ended;
    };
    const [page] = await browser.pages();
    await page?.goto(url).catch(async (error: unknown) => {
      await kill();
      throw error;
    });
    return { kill, gone: rejected(ended, () => "") };
  },
};

function rejected(ended: Promise<unknown>, output: () => string): Promise<never> {
  const gone = ended.then(() => Promise.reject(new Error(`the browser ended: ${output()}`)));
  gone.catch(() => "it is killed in the end, when nobody waits any more");
  return gone;
}
