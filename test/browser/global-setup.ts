import type { TestProject } from "vitest/node";
import "./page.ts";
import { startServices } from "./services.ts";

/** Starts the helper services before the browser project and stops them after it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const services = await startServices();
  project.provide("services", services.urls);
  return () => services.stop();
}
