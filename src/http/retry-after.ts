const longestMs = 15 * 60_000;

/**
 * Milliseconds to wait by a Retry-After header (RFC 9110, section 10.2.3: whole seconds or an HTTP date), within 0 and
 * 15 minutes; undefined without a header and for one that says neither.
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? "";
  const ms = /^-?\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestMs);
}
