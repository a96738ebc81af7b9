/** A count of a test: small in CI, large in the long run (`RUNLOG_LONG=1`). */
export function count({ ci, long }: { readonly ci: number; readonly long: number }): number {
  return process.env["RUNLOG_LONG"] === "1" ? long : ci;
}
