import { expect, it } from "vitest";

it("runs on the Node that package.json asks for", () => {
  expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(22);
});
