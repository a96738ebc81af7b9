/** The few of `known` that resemble `word` most, nearest first: for "did you mean". */
export function nearest(word: string, known: Iterable<string>, count = 3): string[] {
  return Array.from(known, (name) => ({
    name,
    distance: editDistance(word.toLowerCase(), name.toLowerCase()),
  }))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

/** Levenshtein's: the fewest insertions, deletions and replacements that turn `one` into `other`. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let index = 1; index <= other.length; index++) {
      const replaced = (row[index - 1] as number) + (one[at - 1] === other[index - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[index] as number) + 1, (next[index - 1] as number) + 1));
    }
    row = next;
  }
  return row[other.length] as number;
}
