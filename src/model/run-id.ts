import { ValidationError } from "../errors.ts";

/**
 * Run ids. A caller's id names one run within a store and becomes a file name there, hence the narrow alphabet.
 * A made one reads `adjective-surname-HHMM-xxxxxxxx`: the form of magnus, with 40 random bits so that millions of
 * offline pages do not meet.
 */

const adjectives =
  "able amber ample azure bold brave bright brisk calm clear clever crisp daring deep eager early fair fond fresh gentle glad golden grand green happy hardy honest humble jolly keen kind lively loyal lucky mellow merry mild neat noble patient placid plain polite proud quick quiet rapid ready rosy royal sharp shiny silent smart smooth snug solid stable steady sunny swift tidy vivid warm wise witty".split(
    " ",
  );
const surnames =
  "abel agnesi archer avila babbage bardeen bell bohr boole born bose carson cauchy colden cori curie darwin diaz dirac elion euler faraday fermi franklin galileo gauss germain goodall hamilton hawking hertz hopper hubble hypatia jemison johnson joliot kepler khorana lamarr leavitt lovelace mayer mendel mirzakhani napier newton noether pascal payne perlman planck raman ride sagan shannon sinoussi somerville turing wiles wing wu yalow yonath".split(
    " ",
  );
const letters = "0123456789abcdefghjkmnpqrstvwxyz";
const shape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const windowsDevice = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** A new run id from 10 random bytes and the local time of `now`. */
export function makeRunId(now: Date, random: Uint8Array): string {
  const at = (index: number): number => random[index] ?? 0;
  const time = `${now.getHours()}`.padStart(2, "0") + `${now.getMinutes()}`.padStart(2, "0");
  const tail = Array.from(random.subarray(2, 10), (byte) => letters[byte % 32]).join("");
  return `${adjectives[at(0) % adjectives.length]}-${surnames[at(1) % surnames.length]}-${time}-${tail}`;
}

/** Lower-case hex of `random`: uids (16 bytes), writers (6), store ids (16). */
export function toHex(random: Uint8Array): string {
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The rule that `id` breaks as a run id, or undefined. */
export function runIdRule(id: unknown): string | undefined {
  if (typeof id !== "string") return `must be a string, found ${typeof id}`;
  if (!shape.test(id)) {
    return "must be 1 to 128 letters, digits, dots, dashes or underscores and begin with a letter or digit";
  }
  if (id.endsWith(".")) return "must not end with a dot";
  if (windowsDevice.test(id)) return "is the name of a Windows device and cannot be a file; choose another";
  return undefined;
}

/**
 * `id` itself when it can name a run.
 * @throws {ValidationError} otherwise, with the rule.
 */
export function checkRunId(id: unknown): string {
  const rule = runIdRule(id);
  if (rule !== undefined) {
    const found = typeof id === "string" ? `; found ${JSON.stringify(id).slice(0, 140)}` : "";
    throw new ValidationError("runId", `${rule}${found}`);
  }
  return id as string;
}
