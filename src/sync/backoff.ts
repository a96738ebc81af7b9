/**
 * How long to wait before the next try: a doubling range, 0.5 s to 5 minutes, of which a random half is waited. Half of
 * it at least, so that an hour of silence costs under 30 tries; the halves add up, so that clients which lost a server
 * together come back apart. What the server asked for by Retry-After is the least.
 */

export const firstMillis = 500;
export const capMillis = 300_000;

/**
 * @param failures tries that failed in a row, from 1
 * @param random 0 to 1
 * @param askedMillis the server's Retry-After
 */
export function backoff(failures: number, random: number, askedMillis = 0): number {
  const range = Math.min(capMillis, firstMillis * 2 ** Math.min(failures - 1, 20));
  return askedMillis + Math.round((range * (1 + random)) / 2);
}
