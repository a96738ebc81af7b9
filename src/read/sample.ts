/**
 * At most `size` of `rows`, in their order: the first, the last, and of each bucket between them the rows of its least
 * and its greatest number, so that no extreme of the whole is lost. A bucket without finite numbers gives its first
 * row.
 * @param size at least 4
 */
export function sampleRows(values: readonly unknown[], rows: readonly number[], size: number): number[] {
  if (rows.length <= size) return [...rows];
  const buckets = Math.floor((size - 2) / 2);
  const inner = rows.length - 2;
  const kept = [rows[0] as number];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = 1 + Math.floor((bucket * inner) / buckets);
    const to = 1 + Math.floor(((bucket + 1) * inner) / buckets);
    kept.push(...extremes(values, rows, from, to));
  }
  kept.push(rows.at(-1) as number);
  return kept;
}

function extremes(values: readonly unknown[], rows: readonly number[], from: number, to: number): number[] {
  let least: number | undefined;
  let most: number | undefined;
  const at = (index: number): number => values[rows[index] as number] as number;
  for (let index = from; index < to; index++) {
    const value = at(index);
    if (typeof value !== "number" || Number.isNaN(value)) continue;
    if (least === undefined || value < at(least)) least = index;
    if (most === undefined || value > at(most)) most = index;
  }
  if (least === undefined || most === undefined) return [rows[from] as number];
  if (least === most) return [rows[least] as number];
  return [rows[Math.min(least, most)] as number, rows[Math.max(least, most)] as number];
}
