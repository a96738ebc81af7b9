/** Small helpers to build the page. Text only ever goes in as text, so nothing in the data can become markup. */

/** Where the drawings' names live. */
const svgSpace = "http://www.w3.org/2000/svg";

type Content = Node | string;

/** A new element with attributes and content. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** A new element of a drawing. */
export function drawn(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const made = document.createElementNS(svgSpace, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/**
 * The element of that id.
 * @throws {Error} when the page lacks it
 */
export function byId<E extends HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element '${id}'`);
  return found as E;
}

/** A table with a heading; `numeric` are the columns aligned to the right. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly Content[])[],
  numeric: readonly number[] = [],
): HTMLTableElement {
  const cell = (name: "th" | "td", content: Content, column: number): HTMLElement =>
    element(name, numeric.includes(column) ? { class: "number" } : {}, content);
  const head = element("tr", {}, ...heading.map((text, column) => cell("th", text, column)));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((content, column) => cell("td", content, column))),
  );
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}
