import { describe, expect, it } from "vitest";
import { classify } from "../../src/http/answer.ts";
import { retryAfterMs } from "../../src/http/retry-after.ts";

describe("the class of a status", () => {
  it.each([
    ["ok", [200, 201, 204, 299]],
    ["pause", [300, 301, 302, 307, 308, 399, 401, 403]],
    ["missing", [404, 405]],
    ["resync", [409]],
    ["gone", [410]],
    ["halve", [413]],
    ["retry", [408, 425, 429, 500, 502, 503, 504, 507]],
    ["refused", [199, 400, 402, 415, 418, 422, 499]],
  ] as const)("is %s for %j", (expected, statuses) => {
    expect(statuses.map(classify)).toEqual(statuses.map(() => expected));
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  it.each([
    ["3", 3_000],
    ["0", 0],
    ["-5", 0],
    ["999999999", 900_000],
    ["Thu, 01 Jan 2026 00:01:00 GMT", 60_000],
    ["Thu, 01 Jan 2026 09:00:00 GMT", 900_000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["NaN", undefined],
    ["soon", undefined],
    ["", undefined],
    [null, undefined],
  ])("%j is %j ms", (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});
