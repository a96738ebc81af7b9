/**
 * `JSON.parse`, right about keys with escapes. V8 12.8 to 14.6 (Node 24 and 26, Chrome) gives a key like `"\n"` the
 * name `\` when the same text or an earlier one had that key at the same place
 * (https://github.com/nodejs/node/issues/63785), so such keys are parsed under other names and renamed.
 * @throws {SyntaxError} when `text` is not JSON.
 */
export function parseJson(text: string): unknown {
  if (!text.includes("\\") || !escapedKey.test(text)) return JSON.parse(text);
  const names = new Map<string, string>();
  let mark = "\ue000";
  while (text.includes(mark)) mark += "\ue000";
  const renamed = text.replace(anyString, (whole: string, string: string, colon: string | undefined) => {
    if (colon === undefined || !string.includes("\\")) return whole;
    const alias = `${mark}${names.size}`;
    names.set(alias, JSON.parse(string) as string);
    return `"${alias}"${colon}`;
  });
  return rename(JSON.parse(renamed), names);
}

const escapedKey = /\\.[^"\\]*"\s*:/;
const anyString = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/g;

function rename(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => rename(item, names));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [names.get(key) ?? key, rename(item, names)]),
  );
}
