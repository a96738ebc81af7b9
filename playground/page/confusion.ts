import { element } from "./dom.ts";

/** The confusion matrix of test images: a row a digit, a column an answer. */
export function confusionTable(confusion: readonly (readonly number[])[], step: number): Node[] {
  const answers = confusion.map((_, answer) => element("th", {}, String(answer)));
  const rows = confusion.map((row, digit) =>
    element(
      "tr",
      {},
      element("th", {}, String(digit)),
      ...row.map((count, answer) => cell(count, digit === answer)),
    ),
  );
  const head = element("tr", {}, element("th"), ...answers);
  return [
    element("h2", {}, "Confusion"),
    element("p", { class: "quiet" }, `Test images by digit (row) and answer (column) after step ${step}.`),
    element("table", { class: "matrix" }, head, ...rows),
  ];
}

function cell(count: number, right: boolean): HTMLElement {
  if (count === 0) return element("td", { class: "quiet" }, "·");
  return element("td", { class: right ? "right" : "wrong" }, String(count));
}
