/**
 * `JSON.parse`, right about keys with escapes. V8 12.8 to 14.6 (Node 24 and 26, Chrome) gives a key like `"\n"` the
 * name `\` when the same text or an earlier one had that key at the same place
 * (https://github.com/nodejs/node/issues/63785), so the keys of such a text are parsed under other names and renamed.
 * @throws {SyntaxError} when `text` is not JSON.
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (!text.includes("\\") || !escapedKey.test(text)) return parsed;
  const names: string[] = [];
  // Of text that is JSON every string ends, and none is looked at twice: no text makes this slow.
  const aliased = text.replace(anyString, (whole: string, string: string, colon: string | undefined) => {
    if (colon === undefined) return whole;
    return `"k${names.push(JSON.parse(string) as string) - 1}"${colon}`;
  });
  return rename(JSON.parse(aliased), names);
}

const escapedKey = /\\.[^"\\]*"\s*:/;
const anyString = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g;

/** Not by calling itself: a text may nest as deep as it is long. */
function rename(value: unknown, names: readonly string[]): unknown {
  const root = [value];
  const open: object[] = [root];
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    const slots = holder as Record<string, unknown>;
    for (const [slot, item] of Object.entries(slots)) {
      if (typeof item !== "object" || item === null) continue;
      const named = Array.isArray(item) ? item : Object.fromEntries(renamed(item, names));
      slots[slot] = named;
      open.push(named);
    }
  }
  return root[0];
}

function renamed(object: object, names: readonly string[]): [string, unknown][] {
  return Object.entries(object).map(([key, item]) => [names[Number(key.slice(1))] as string, item]);
}
