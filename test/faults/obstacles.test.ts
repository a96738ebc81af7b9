import { type BrowserContext, type CDPSession, type Page, chromium as playwright } from "playwright";
import { memoryStore, type RunReport } from "runlog";
import { type Serving, serve } from "runlog/server";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CHROMIUM_FLAGS } from "../browser/flags.ts";
import { chromium, needs } from "../env/find.ts";
import { freePort } from "../env/process.ts";
import { temporaryFolder } from "./child.ts";
import { gate, type Refusal } from "./pages/gate.ts";
import { bundlePage } from "./pages/host.ts";
import type { ObstaclePage } from "./pages/obstacles.ts";
import { HOST, listen, makeCertificate, pageOf, type Site, TRACKER } from "./pages/sites.ts";

/**
 * What stands between a page and its run-log store, in a real Chromium: each obstacle is told by its code, with an
 * action that names the origin or setting; nothing is lost; once it is mended delivery goes on in the same page.
 */

declare const page: ObstaclePage;

describe.skipIf(!needs("chromium"))(
  "a page in Chromium says why it does not sync",
  { timeout: 90_000 },
  () => {
    const folder = temporaryFolder();
    const store = memoryStore();
    const open = new Set<() => Promise<void>>();
    let sites: Record<"local" | "http" | "https", Site>;
    let secureGate: Site;
    let server: Serving;
    let port: number;
    let context: BrowserContext;
    let devtools: CDPSession;
    let script: string;
    let runs = 0;

    const restart = async (corsOrigins: readonly string[]): Promise<void> => {
      await server?.close();
      server = await serve({ store, port, corsOrigins });
    };
    const origins = (): string[] => [origin("http"), origin("https"), "null"];
    const origin = (scheme: "http" | "https"): string => `${scheme}://${HOST}:${sites[scheme].port}`;

    beforeAll(async () => {
      script = await bundlePage("obstacles");
      const certificate = await makeCertificate(folder.path());
      sites = {
        local: await listen(pageOf(script)),
        http: await listen(pageOf(script)),
        https: await listen(pageOf(script), certificate),
      };
      port = await freePort();
      await restart(origins());
      secureGate = await listen(
        gate(server.url, () => undefined),
        certificate,
      );
      const spaces = [sites.http, sites.https, secureGate].map((site) => `127.0.0.1:${site.port}=public`);
      context = await playwright.launchPersistentContext(folder.path("profile"), {
        executablePath: chromium() as string,
        args: [
          ...CHROMIUM_FLAGS,
          "--ignore-certificate-errors",
          `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP ${TRACKER} 127.0.0.1`,
          `--ip-address-space-overrides=${spaces.join(",")}`,
        ],
      });
      devtools = await context.newCDPSession(context.pages()[0] as Page);
      await allowLocal("granted");
    });
    afterEach(async () => {
      await Promise.all([...open].map((close) => close()));
      open.clear();
      await restart(origins());
    });
    afterAll(async () => {
      await context?.close();
      await Promise.all([server, secureGate, ...Object.values(sites)].map((each) => each?.close()));
      folder.remove();
    });

    const allowLocal = async (setting: "granted" | "denied" | "prompt"): Promise<void> => {
      for (const name of ["loopback-network", "local-network"])
        await devtools.send("Browser.setPermission", {
          permission: { name },
          setting,
          origin: origin("https"),
        });
    };

    /** Opens the page with a run of its own; gives it once it tracks. */
    const visit = async (from: string, to: string, path = "/", token = ""): Promise<[Page, string]> => {
      const run = `obstacle-${runs++}`;
      const tab = await context.newPage();
      open.add(() => tab.close());
      await tab.goto(`${from}${path}?${new URLSearchParams({ run, server: to, token })}`);
      await tab.waitForFunction(() => typeof page === "object");
      return [tab, run];
    };
    const reportOf = (tab: Page): Promise<RunReport> => tab.evaluate(() => page.report());
    const told = async (tab: Page): Promise<RunReport["destinations"][string] | undefined> =>
      Object.values((await reportOf(tab)).destinations).at(-1);
    /** The problem that the page comes to, and that its card shows. */
    const problem = async (tab: Page, code: string): Promise<{ message: string; action: string }> => {
      await expect.poll(async () => (await told(tab))?.problem?.code, { timeout: 20_000 }).toBe(code);
      const { problem: found, delivered } = (await told(tab)) as RunReport["destinations"][string];
      expect(delivered).toBe(0);
      await expect.poll(() => tab.evaluate(() => page.card()), { timeout: 15_000 }).toContain(found?.action);
      return found as { message: string; action: string };
    };
    /** All is there, in order, once: with nobody's help, or when the page's author presses the button. */
    const delivered = async (tab: Page, run: string, press = false): Promise<void> => {
      if (press) await tab.evaluate(() => page.sync());
      await expect.poll(async () => (await told(tab))?.state, { timeout: 30_000 }).toBe("done");
      const answer = await fetch(`http://127.0.0.1:${port}/v1/runs/${run}/series?key=loss`);
      const { step } = (await answer.json()) as { step: number[] };
      expect(step).toEqual(Array.from({ length: 100 }, (_, at) => at));
    };
    /** A server behind something that refuses until it is told to let through. */
    const behind = async (refusal: (token: string) => Refusal | undefined): Promise<[string, () => void]> => {
      let shut = true;
      const site = await listen(
        gate(server.url, ({ headers }) => (shut ? refusal(headers.authorization ?? "") : undefined)),
      );
      open.add(() => site.close());
      const letThrough = (): void => {
        shut = false;
      };
      return [`http://127.0.0.1:${site.port}`, letThrough];
    };
    const local = (): string => `http://localhost:${sites.local.port}`;

    it("1 offline", async () => {
      await server.close();
      const [tab, run] = await visit(local(), server.url);
      await problem(tab, "unreachable");
      await context.setOffline(true);
      await tab.evaluate(() => page.sync());
      const { action } = await problem(tab, "offline");
      expect(action).toContain("when it is online");
      await restart(origins());
      await context.setOffline(false);
      await delivered(tab, run);
    });

    it("2 a server that is not there", async () => {
      await server.close();
      const [tab, run] = await visit(local(), server.url);
      const { action } = await problem(tab, "unreachable");
      expect(action).toContain(`start the server, or check ${server.url}`);
      await restart(origins());
      await delivered(tab, run);
    });

    it("3 a refused origin", async () => {
      await restart([]);
      const [tab, run] = await visit(origin("https"), server.url);
      const { action } = await problem(tab, "origin_refused");
      expect(action).toBe(`start the server with: runlog serve --cors-origin ${origin("https")}`);
      await restart(origins());
      await delivered(tab, run);
    });

    it("4 a browser that keeps public pages from this machine", async () => {
      await allowLocal("denied");
      const [tab, run] = await visit(origin("https"), server.url);
      const { action } = await problem(tab, "local_network");
      expect(action).toContain(`allow ${origin("https")} to call them`);
      expect(action).toContain('"Local network access"');
      await allowLocal("granted");
      await delivered(tab, run);
    });

    it("4 and cannot be asked by insecure pages", async () => {
      const [tab] = await visit(origin("http"), server.url);
      const { message, action } = await problem(tab, "local_network");
      expect(message).toContain(`insecure pages such as ${origin("http")}`);
      expect(action).toContain("serve the page by https");
    });

    it("5 mixed content", async () => {
      const [tab, run] = await visit(origin("https"), `http://${TRACKER}:${secureGate.port}`);
      const { message, action } = await problem(tab, "mixed_content");
      expect(message).toContain(origin("https"));
      expect(action).toContain(`https://${TRACKER}:${secureGate.port}`);
      await tab.evaluate((url) => page.moveTo(url), `https://${TRACKER}:${secureGate.port}`);
      await delivered(tab, run);
    });

    it("6 another server", async () => {
      const html = { "content-type": "text/html" };
      const [url, letThrough] = await behind(() => ({
        status: 200,
        headers: html,
        body: "<h1>Sign in</h1>",
      }));
      const [tab, run] = await visit(local(), url);
      const { message, action } = await problem(tab, "wrong_server");
      expect(message).toContain("an HTML page");
      expect(action).toContain(`check that ${url} is a run-log store`);
      letThrough();
      await delivered(tab, run);
    });

    it("7 a token that the server does not know", async () => {
      const [url] = await behind((token) => (token === "Bearer right" ? undefined : { status: 401 }));
      const [tab, run] = await visit(local(), url, "/", "wrong");
      const { action } = await problem(tab, "unauthorized");
      expect(action).toContain("give a token");
      await tab.evaluate(() => page.token("right"));
      await delivered(tab, run, true);
    });

    it("8 a token that may not write", async () => {
      const [url, letThrough] = await behind(() => ({ status: 403 }));
      const [tab, run] = await visit(local(), url, "/", "reader");
      const { action } = await problem(tab, "forbidden");
      expect(action).toContain("ask the server's owner to let these credentials write");
      letThrough();
      await delivered(tab, run, true);
    });

    it("9 a server that asks to wait", async () => {
      const [url, letThrough] = await behind(() => ({ status: 429, headers: { "retry-after": "4" } }));
      const before = Date.now();
      const [tab, run] = await visit(local(), url);
      await problem(tab, "too_many_requests");
      const { nextTry = 0, state } = (await told(tab)) as RunReport["destinations"][string];
      expect(state).toBe("waiting");
      expect(nextTry).toBeGreaterThan(before + 4_000);
      expect(nextTry).toBeLessThan(Date.now() + 15_000);
      letThrough();
      await delivered(tab, run);
    });

    it("10 a full storage", async () => {
      await server.close();
      // An origin of its own: Chromium looks at the quota of one that has room only each half minute.
      const fresh = await listen(pageOf(script));
      open.add(() => fresh.close());
      const from = `http://localhost:${fresh.port}`;
      const quota = (size: { quotaSize?: number }): Promise<unknown> =>
        devtools.send("Storage.overrideQuotaForOrigin", { origin: from, ...size });
      await quota({ quotaSize: 100_000 });
      const [tab, run] = await visit(from, server.url);
      await expect.poll(() => tab.evaluate(() => page.fill(500_000)), { timeout: 20_000 }).toBe("memory");
      const report = await reportOf(tab);
      expect(report).toMatchObject({ storage: "full", refused: 0, problem: { code: "storage_full" } });
      expect(report.problem?.action).toContain("free some space");
      await expect
        .poll(() => tab.evaluate(() => page.card()), { timeout: 15_000 })
        .toContain("free some space");
      await quota({});
      await expect.poll(() => tab.evaluate(() => page.fill(10)), { timeout: 30_000 }).toBe("disk");
      await restart(origins());
      await delivered(tab, run);
      const { tracked } = await reportOf(tab);
      expect(await told(tab)).toMatchObject({ delivered: tracked, pending: 0 });
    });

    it("11 no storage at all", async () => {
      await server.close();
      const [tab, run] = await visit(origin("https"), `https://${TRACKER}:${secureGate.port}`, "/alone");
      await expect.poll(async () => (await reportOf(tab)).storage, { timeout: 10_000 }).toBe("memory");
      const { problem: found } = await reportOf(tab);
      expect(found?.code).toBe("storage_memory");
      expect(found?.action).toContain("nothing survives this page or process");
      await restart(origins());
      await delivered(tab, run);
    });
  },
);
