/** WebKitGTK through its driver, in the plain W3C WebDriver protocol, on a virtual display. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { webkit } from "../env/find.ts";
import { answering, freePort, type Started, start } from "../env/process.ts";

const BOOT_MILLIS = 60_000;

/** Opens `url` in MiniBrowser with an empty home of its own, removed by `close`. */
export async function openWebKit(url: string): Promise<{ close(): Promise<void> }> {
  const parts = webkit();
  if (parts === undefined) throw new Error("webkit is not on this machine");
  const home = await mkdtemp(join(tmpdir(), "runlog-webkit-"));
  const port = await freePort();
  const driver = start({
    command: parts.xvfb,
    args: ["-a", parts.driver, `--port=${port}`],
    env: { HOME: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, TMPDIR: home },
  });
  const close = async (): Promise<void> => {
    await driver.stop();
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { close: await drive(driver, `http://127.0.0.1:${port}`, parts.browser, url, close) };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes a session and goes to the page; gives the way to end both. */
async function drive(
  driver: Started,
  address: string,
  browser: string,
  url: string,
  close: () => Promise<void>,
): Promise<() => Promise<void>> {
  await answering(driver, `${address}/status`, BOOT_MILLIS);
  const options = { binary: browser, args: ["--automation"] };
  const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
  const { sessionId } = (await command(`${address}/session`, "POST", { capabilities })) as {
    sessionId: string;
  };
  const session = `${address}/session/${sessionId}`;
  await command(`${session}/url`, "POST", { url });
  return async () => {
    try {
      await command(session, "DELETE");
    } finally {
      await close();
    }
  };
}

async function command(url: string, method: "POST" | "DELETE", body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    signal: AbortSignal.timeout(BOOT_MILLIS),
  });
  const { value } = (await response.json()) as { value: unknown };
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${JSON.stringify(value)}`);
  return value;
}
