import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { CHROMIUM_FLAGS } from "./browser/flags.ts";
import { chromium } from "./env/find.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const source = (path: string): string => fileURLToPath(new URL(`../src/${path}`, import.meta.url));

/** Tests run on the source: the package's own names lead to it. */
const shared = [
  { find: /^runlog\/mlflow$/, replacement: source("destinations/mlflow/index.ts") },
  { find: /^runlog\/tfjs$/, replacement: source("integrations/tfjs.ts") },
  { find: /^runlog\/notebook$/, replacement: source("integrations/notebook/index.ts") },
  { find: /^runlog\/server$/, replacement: source("server/index.ts") },
  { find: /^runlog\/node$/, replacement: source("node.ts") },
];
const alias = {
  node: [...shared, { find: /^runlog$/, replacement: source("node.ts") }],
  web: [...shared, { find: /^runlog$/, replacement: source("index.ts") }],
};
const executablePath = chromium();

/** The tests whose counts grow with RUNLOG_LONG=1. */
function growing(): string[] {
  const files = globSync("test/{faults,simulation}/**/*.test.ts", { cwd: root });
  return files.filter((file) => readFileSync(`${root}${file}`, "utf8").includes('/count.ts"'));
}

const config: ViteUserConfig = defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        resolve: { alias: alias.node },
        test: {
          name: "node",
          environment: "node",
          include: ["test/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      {
        root,
        resolve: { alias: alias.node },
        test: {
          name: "long",
          environment: "node",
          include: ["test/**/*.long.ts", ...growing()],
          testTimeout: 1_200_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
        },
      },
      {
        root,
        resolve: { alias: alias.web },
        optimizeDeps: { include: ["idb", "zod/mini", "ky", "superjson", "@tensorflow/tfjs"] },
        test: {
          name: "browser",
          include: ["test/**/*.browser.ts"],
          globalSetup: ["test/browser/global-setup.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                ...(executablePath === undefined ? {} : { executablePath }),
                args: CHROMIUM_FLAGS,
              },
            }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
    ],
  },
});

export default config;
