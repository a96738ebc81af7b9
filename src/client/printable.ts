// Controls, lone surrogates, separators of lines, marks that turn the reading direction, and what is not seen at all.
const unprintable =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * `text` as a terminal may show it, on one line. Names, notes and the words of servers come from anybody: what could
 * move the cursor, set the clipboard, forge a line or turn the reading direction is shown as `\u001b`, the escape of
 * JSON, so that text which is JSON stays the same JSON.
 */
export function printable(text: string): string {
  return text.replace(unprintable, escaped);
}

function escaped(found: string): string {
  return Array.from({ length: found.length }, (_, at) => {
    return `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }).join("");
}
