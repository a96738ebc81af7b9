/**
 * Names as MLflow takes them. It allows letters, digits, `_`, `-`, `.`, space, `:` and `/`, at most 250 characters,
 * and nothing that reads as another path (`a//b`, `.`, `/a`): mlflow/utils/validation.py. Letters are those of
 * Python's `\w`, which knows no combining marks.
 */

const refused = /[^\p{L}\p{N}_./: -]/gu;
const longest = 250;
/** A changed name is also the end of a tag `runlog.name.<name>`, which has the same limit. */
const longestChanged = longest - "runlog.name.".length;
const hashDigits = 6;

/** mapped name -> crc of the id that owns it; empty for a name seen there whose owner is not known. */
export type Owners = ReadonlyMap<string, string>;

/** What a name stands for. */
export interface Named {
  /** Tells it from everything else of the run. */
  readonly id: string;
  /** What people read where nothing had to be changed. */
  readonly plain: string;
}

/** Keys have no line ends, so that ids of different tasks and keys differ whatever slashes the names hold. */
export function keyName(task: string, key: string, taskPrefix: boolean): Named {
  if (task === "main" || !taskPrefix) return { id: key, plain: key };
  return { id: `${key}\ntask ${task}`, plain: `${task}/${key}` };
}

/**
 * The name in MLflow: `plain` where that is allowed and free, with `_at_` for `@` and `_` for what is refused; with
 * `_` and 6 hex digits of the id where it is taken, too long or reads as a path. Equal ids get equal names, different
 * ids different ones, given that the caller notes each in `owners`.
 */
export function claim(owners: Owners, named: Named, crc: (text: string) => string): string {
  const { id, plain } = named;
  const wanted = replaceRefused(plain);
  const own = crc(id);
  const limit = wanted === plain ? longest : longestChanged;
  if (wanted.length <= limit && !isPathLike(wanted) && isFree(owners, wanted, own, wanted === plain))
    return wanted;
  for (let turn = 0; ; turn++) {
    const hash = (turn === 0 ? own : crc(`${id}\n${turn}`)).slice(0, hashDigits);
    const name = `${cutName(flatten(wanted))}_${hash}`;
    if (isFree(owners, name, own, false)) return name;
  }
}

/** The tag that tells the original of a changed name. */
export function nameTag(name: string): string {
  return `runlog.name.${name}`;
}

/** The tag that holds the latest value of a parameter that changed. */
export function changeTag(param: string, crc: (text: string) => string): string {
  const tag = `runlog.param.${param}`;
  return tag.length <= longest
    ? tag
    : `${tag.slice(0, longestChanged - hashDigits)}_${crc(param).slice(0, hashDigits)}`;
}

/** True for what MLflow would normalise to another path. */
export function isPathLike(name: string): boolean {
  return (
    name.startsWith("..") || name.split("/").some((part) => part === "" || part === "." || part === "..")
  );
}

function replaceRefused(plain: string): string {
  return plain.replaceAll("@", "_at_").replace(refused, "_");
}

function isFree(owners: Owners, name: string, own: string, natural: boolean): boolean {
  const owner = owners.get(name);
  return owner === undefined || owner === own || (owner === "" && natural);
}

function flatten(name: string): string {
  return isPathLike(name) ? name.replaceAll("/", "_").replace(/^\.+/, "_") : name;
}

function cutName(name: string): string {
  return cutText(name, longestChanged - hashDigits - 1);
}

/** At most `length` UTF-16 units of `text`, never half of a surrogate pair. */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}
