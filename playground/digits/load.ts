import { readFileSync } from "node:fs";
import { type Digits, readDigits } from "./data.ts";

/** The data file. */
export const digitsFile: URL = new URL("../data/digits.txt", import.meta.url);

/** The digits, read from disk. */
export function loadDigits(): Digits {
  return readDigits(readFileSync(digitsFile, "utf8"));
}
