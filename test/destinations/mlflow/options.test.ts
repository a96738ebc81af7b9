import { describe, expect, it } from "vitest";
import { artifactPath, statusThere } from "../../../src/destinations/mlflow/finish.ts";
import { mlflow } from "../../../src/destinations/mlflow/index.ts";

describe("mlflow(url)", () => {
  it.each([
    ["http://127.0.0.1:5000", "http://127.0.0.1:5000"],
    ["https://h.example/ml/?a=1#x", "https://h.example/ml"],
    ["mlflow+http://h.example:80/", "http://h.example"],
  ])("normalises %s", (given, url) => {
    const destination = mlflow(given);
    expect(destination.url).toBe(url);
    expect(destination.problem).toBeUndefined();
    expect(destination.kind).toBe("mlflow");
  });

  it("takes user name and password out of the URL, options beat them", () => {
    const destination = mlflow("https://me:p%40ss@h.example/");
    expect(destination.url).toBe("https://h.example");
    expect(destination.credentials).toEqual({ username: "me", password: "p@ss" });
    expect(mlflow("https://me:x@h.example", { password: "y", token: "t" }).credentials).toEqual({
      username: "me",
      password: "y",
      token: "t",
    });
  });

  it.each(["file:./mlruns", "databricks", "", "sqlite:///x.db", "http://", "ftp://u:secret@h/"])(
    "reports %s instead of throwing",
    (url) => {
      const { problem } = mlflow(url);
      expect(problem?.code).toBe("invalid_url");
      expect(problem?.message).toContain("http");
      expect(JSON.stringify(mlflow(url))).not.toContain("secret");
    },
  );

  it("names the server's setting for a refused origin", () => {
    const advice = mlflow("http://h").originAdvice("https://page.example");
    expect(advice).toContain("--cors-allowed-origins https://page.example");
    expect(advice).toContain("MLFLOW_SERVER_CORS_ALLOWED_ORIGINS=https://page.example");
  });

  it("links to the run once the ledger knows it", () => {
    const entry = { url: "http://h", position: {}, delivered: 0, setAside: 0, state: {} };
    const destination = mlflow("http://h/");
    expect(destination.link?.(entry)).toBeUndefined();
    const state = { experiment: { id: "3", name: "x", created: 1 }, run: "abc" };
    expect(destination.link?.({ ...entry, state })).toBe("http://h/#/experiments/3/runs/abc");
  });
});

describe("a run's end", () => {
  it("is FINISHED, FAILED, or KILLED by a signal", () => {
    expect(statusThere({ status: "SUCCESS", signal: undefined })).toBe("FINISHED");
    expect(statusThere({ status: "FAIL", signal: undefined })).toBe("FAILED");
    expect(statusThere({ status: "FAIL", signal: "SIGTERM" })).toBe("KILLED");
    expect(statusThere({ status: "PROCESSING", signal: undefined })).toBe("RUNNING");
  });

  it("writes run-log.json where the server takes artifacts itself", () => {
    const base = "/api/2.0/mlflow-artifacts/artifacts";
    expect(artifactPath("mlflow-artifacts:/1/ab/artifacts", "f")).toBe(`${base}/1/ab/artifacts/f`);
    expect(artifactPath("mlflow-artifacts://h:1/p q/1", "f")).toBe(`${base}/p%20q/1/f`);
    expect(artifactPath("s3://bucket/1", "f")).toBeUndefined();
    expect(artifactPath("/data/1", "f")).toBeUndefined();
  });
});
