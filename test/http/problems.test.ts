import { describe, expect, it } from "vitest";
import { type Asked, problemOfStatus, redirected, wordsOf, wrongServer } from "../../src/http/problems.ts";

const asked: Asked = {
  what: "POST http://h/v1",
  destination: { kind: "runlog", url: "http://h", originAdvice: () => "" },
};

describe("the problem of a status", () => {
  it.each([
    [400, "refused", "check that http://h is a run-log store, of a version that takes this request"],
    [401, "unauthorized", "give a token"],
    [403, "forbidden", "let these credentials write"],
    [404, "not_found", "check that http://h is a run-log store"],
    [405, "not_found", "check that http://h is a run-log store"],
    [408, "server_error", "tried again by itself"],
    [409, "conflict", "goes on from there"],
    [410, "gone", "if the deletion was meant"],
    [413, "too_large", "raise the limit"],
    [422, "refused", "of a version that takes this request"],
    [425, "server_error", "tried again by itself"],
    [429, "too_many_requests", "when the server allows it"],
    [499, "refused", "of a version that takes this request"],
    [500, "server_error", "the server's own log"],
    [503, "server_error", "the server's own log"],
  ])("%d is %s: %s", (status, code, action) => {
    const problem = problemOfStatus(asked, status, "its words");
    expect(problem).toMatchObject({ code, message: `POST http://h/v1 answered ${status}: its words` });
    expect(problem.action).toContain(action);
    expect(problemOfStatus(asked, status, "").message).toBe(`POST http://h/v1 answered ${status}`);
  });

  it("names the kind of server", () => {
    const of = (kind: string): string =>
      wrongServer({ ...asked, destination: { ...asked.destination, kind } }, "x").action;
    expect(of("mlflow")).toContain("is an MLflow server and");
    expect(of("wandb")).toContain("is a wandb server and");
  });
});

it.each([
  ["https://login.example/x?token=1", " to https://login.example"],
  ["/elsewhere", " to http://h"],
  ["http://[", ""],
  [null, ""],
])("a redirect to %s names its origin alone", (location, place) => {
  expect(redirected(asked, location).message).toBe(
    `POST http://h/v1 was redirected${place}, which is not followed`,
  );
});

it.each([
  [{ detail: "d", message: "m" }, "raw", "d"],
  [{ detail: "", message: "m", title: "t" }, "raw", "m"],
  [{ detail: 7, title: "t", error: "e" }, "raw", "t"],
  [{ error: "e" }, "raw", "e"],
  [{}, "raw", "raw"],
  [null, "raw", "raw"],
  ["text", "raw", "raw"],
  [undefined, " \n<!doctype html>", "an HTML page"],
  [undefined, "two\nlines\u0000  here ", "two lines here"],
  [undefined, "x".repeat(200), "x".repeat(200)],
  [undefined, "x".repeat(201), `${"x".repeat(200)}…`],
])("the words of %j and %j are %j", (json, text, words) => {
  expect(wordsOf(json, text)).toBe(words);
});
