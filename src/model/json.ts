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
  const renamed = text.replace(anyString, (whole: string, string: string, colon: string | undefined) => {
    if (colon === undefined) return whole;
    return `"k${names.push(JSON.parse(string) as string) - 1}"${colon}`;
  });
  return rename(JSON.parse(renamed), names);
}

const escapedKey = /\\.[^"\\]*"\s*:/;
const anyString = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g;

function rename(value: unknown, names: readonly string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => rename(item, names));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [names[Number(key.slice(1))], rename(item, names)]),
  );
}
