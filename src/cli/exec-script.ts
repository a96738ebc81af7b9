/**
 * A script of `sh` that tells its `MAGNUS_TRACK_*` and `MAGNUS_PRM_*` variables when it ends, however it ends: at its last line, by
 * `exit`, by `set -e`, with a comment at its end, with an EXIT trap of its own. Only `exec`, which puts another program
 * in its place, and a signal that nobody traps leave no end to speak at.
 */

/**
 * The descriptor on which it tells. Shells let scripts name 0 to 9 and take 10 and up for themselves as they are free,
 * so this one is in nobody's way.
 */
export const tellingDescriptor = 19;

// Only these variables leave the script: the rest of an environment is full of secrets.
const teller = [
  "const told = Object.entries(process.env).filter(([name]) => /^MAGNUS_(TRACK|PRM)_/.test(name));",
  'const bytes = Buffer.from(JSON.stringify(told) + "\\n");',
  `for (let at = 0; at < bytes.length; ) at += require("node:fs").writeSync(${tellingDescriptor}, bytes, at);`,
].join(" ");

/**
 * Runs around the script. `trap` is an alias while the script is read, so that its own EXIT trap does not replace this
 * one: the variables are told before it, for it may end in `exit`, and after it. `&& :` keeps `$?` and is no failure
 * for `set -e`.
 */
const wrapper = `
__runlog_node=$1 __runlog_script=$2
shift 2
__runlog_tell() {
  __runlog_code=$?
  NODE_OPTIONS= "$__runlog_node" -e '${teller}' || :
  return $__runlog_code
}
__runlog_trap() {
  if [ "\${1-}" = -- ]; then shift; fi
  case \${1-}:$# in
    -[lpP]*:* | :0) trap "$@"; return ;;
    [0-9]*:* | *:1) __runlog_action=- ;;
    *) __runlog_action=$1; shift ;;
  esac
  for __runlog_condition in "$@"; do
    case $__runlog_condition:$__runlog_action in
      EXIT:- | exit:- | 0:-) trap __runlog_tell EXIT ;;
      EXIT:* | exit:* | 0:*) trap "__runlog_tell && :
$__runlog_action
__runlog_tell && :" EXIT ;;
      *) trap -- "$__runlog_action" "$__runlog_condition" ;;
    esac || return
  done
}
trap __runlog_tell EXIT
alias trap=__runlog_trap
eval "$__runlog_script"`;

/** The arguments of `sh` that run `script`. @param node the program that reads the environment, by its path */
export function scriptArguments(script: string, node: string): string[] {
  return ["-c", wrapper, "sh", node, script];
}

/** The variables of the last complete telling in `text`: a script with a trap tells twice. Undefined without one. */
export function lastTold(text: string): [name: string, value: string][] | undefined {
  const line = text.slice(0, text.lastIndexOf("\n") + 1).trimEnd();
  return line === "" ? undefined : JSON.parse(line.slice(line.lastIndexOf("\n") + 1));
}
