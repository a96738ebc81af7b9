/** Counts of tests, and the line that a run closes with. */

/** What came of one part of a test run. */
export interface Part {
  readonly name: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** All parts together. */
export function sum(parts: readonly Part[]): Part {
  const total = { name: "all", passed: 0, failed: 0, skipped: 0 };
  for (const part of parts) {
    total.passed += part.passed;
    total.failed += part.failed;
    total.skipped += part.skipped;
  }
  return total;
}

/** `3 passed, 0 failed`, with `, 1 skipped` where any were. */
export function closingLine({ passed, failed, skipped }: Part): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
