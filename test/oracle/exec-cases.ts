/** Scripts of shell tasks, each with a name: what people and programs put into `MAGNUS_TRACK_*`. */

/** Values of one variable. In shell quotes where the shell would change them. */
const values: readonly string[] = [
  "true",
  "false",
  "True",
  "1",
  "1.0",
  "1e3",
  "1E3",
  "01",
  "-1",
  "+1",
  ".5",
  "1.",
  "0x10",
  "1_000",
  "''",
  "' '",
  "' 1 '",
  `'{"a":1}'`,
  "'[1]'",
  "'[1'",
  "null",
  "None",
  "NaN",
  "nan",
  "Infinity",
  "-Infinity",
  "inf",
  "1e400",
  "1e-400",
  "-0",
  "-0.0",
  "9007199254740993",
  "123456789012345678901234567890",
  "0.1",
  "1.10",
  "hello",
  `'"quoted"'`,
  "'hello world'",
  "'a=b=c'",
  "'café'",
  `'{"a":1,"a":2}'`,
  `'{"a":NaN}'`,
  `"'single'"`,
  `'"\\ud800"'`,
  "'{a:1}'",
  "'1 2'",
  "'// 1'",
  "$(printf '9%.0s' $(seq 4300))",
];

/** Names and steps, the value being 7. */
const names: readonly string[] = [
  "UPPER",
  "Mixed_Case",
  "x_STEP_0",
  "x_STEP_1",
  "x_STEP_5",
  "x_STEP_b",
  "x_STEP_",
  "x_STEP_b_STEP_3",
  "x_STEP_1_STEP_3",
  "x_step_1",
  "x_STEP_01",
  "_STEP_0",
  "_STEP_1",
  "",
  "STEP_1",
  "x_STEP",
];

/** Lines that a script prints. */
const lines: readonly string[] = [
  "MAGNUS_TRACK_a.b=1",
  "MAGNUS_TRACK_a b=1",
  "MAGNUS_TRACK_a/b=1",
  "MAGNUS_TRACK_ключ=1",
  "MAGNUS_TRACK_x_STEP_-1=1",
  "MAGNUS_TRACK_x_STEP_+0=1",
  "MAGNUS_TRACK_x_STEP_1.0=1",
  "MAGNUS_TRACK_x_STEP_٠=1",
  "MAGNUS_TRACK_x_STEP_ 0 =1",
  "MAGNUS_TRACK_x = 1",
  " MAGNUS_TRACK_x=1",
  "MAGNUS_TRACK_x",
  "magnus_track_x=1",
  "MAGNUS_TRACK_x=",
  "MAGNUS_TRACK_x=1=2",
  "MAGNUS_PRM_p=1",
];

const pairs: readonly (readonly [string, string])[] = [
  ["x", "x_STEP_0"],
  ["x", "x_STEP_1"],
  ["X", "x"],
  ["x_STEP_2", "x_STEP_10"],
  ["x_STEP_10", "x_STEP_2"],
];

export interface ExecCase {
  readonly name: string;
  readonly script: string;
}

const exported = (variable: string, value: string): string => `export MAGNUS_TRACK_${variable}=${value}`;

/** All values at once, each a variable of its own: `v0`, `v1`, … They do not touch one another. */
export const valueCases: readonly (ExecCase & { readonly key: string })[] = values.map((value, index) => ({
  name: `value ${value}`,
  key: `v${index}`,
  script: exported(`v${index}`, value),
}));

/** Each a run of its own. */
export const scriptCases: readonly ExecCase[] = [
  ...names.map((name) => ({ name: `variable MAGNUS_TRACK_${name}`, script: exported(name, "7") })),
  ...pairs.map(([one, other]) => ({
    name: `variables ${one} and ${other}`,
    script: `${exported(one, "1")}\n${exported(other, "2")}`,
  })),
  ...lines.map((line) => ({ name: `printed line '${line}'`, script: `echo '${line}'` })),
  { name: "value int of 4301 digits", script: exported("x", "$(printf '9%.0s' $(seq 4301))") },
  { name: "value 100000 x [", script: exported("x", "$(printf '[%.0s' $(seq 100000))") },
  { name: "value with a newline", script: exported("x", "'line one\nline two'") },
  { name: "value with a newline and a MAGNUS line", script: exported("x", "'line one\nMAGNUS_TRACK_y=2'") },
  { name: "value pretty JSON over 3 lines", script: exported("x", `'{\n "a": 1\n}'`) },
  { name: "printed and exported", script: `echo MAGNUS_TRACK_x=1\n${exported("x", "2")}` },
  // Of exported ones the shell chooses the order.
  {
    name: "printed x_STEP_1 and x_STEP_01",
    script: "echo MAGNUS_TRACK_x_STEP_1=1\necho MAGNUS_TRACK_x_STEP_01=2",
  },
  { name: "not exported", script: "MAGNUS_TRACK_x=1" },
  { name: "no output at all", script: "true" },
  { name: "exit 1 after export", script: `${exported("x", "1")}\nexit 1` },
  { name: "exit 0 after export", script: `${exported("x", "1")}\nexit 0` },
  { name: "the last command fails", script: `${exported("x", "1")}\nfalse` },
  { name: "set -e and a failure", script: `set -e\n${exported("x", "1")}\nfalse\n${exported("x", "2")}` },
  { name: "printed, then the command fails", script: "echo MAGNUS_TRACK_x=1\nfalse" },
  { name: "a trap of its own", script: `trap 'echo bye' EXIT\n${exported("x", "1")}` },
  { name: "comment on the last line", script: `${exported("x", "1")}\ntrue # done` },
  { name: "a subshell exports", script: `(${exported("x", "1")})` },
  { name: "unset by the step", script: `${exported("x", "1")}\nunset MAGNUS_TRACK_x` },
];
