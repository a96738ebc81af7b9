import type { Tagged } from "./ask-magnus.ts";

/** What magnus made of a script: metrics, a failed step without any, or the end of the whole run. */
export type ShellAnswer =
  | { readonly metrics: Tagged }
  | { readonly failed: string }
  | { readonly crash: string };

/** Ways in which `runlog exec` differs from magnus's shell task, each by name, with what runlog keeps instead. */
export interface Difference {
  readonly name: string;
  /** Case -> the metrics that runlog keeps, as JSON text. */
  readonly cases: Readonly<Record<string, string>>;
}

/** magnus's answer is a crash of its run. */
export const crashes: readonly (Difference & { readonly error: RegExp })[] = [
  {
    name: "a key seen at one step only, which is not 0, kills a run of magnus",
    error: /^KeyError: 0$/,
    cases: {
      "variable MAGNUS_TRACK_x_STEP_1": '{"x":{"1":7}}',
      "variable MAGNUS_TRACK_x_STEP_5": '{"x":{"5":7}}',
      "variable MAGNUS_TRACK_x_STEP_1_STEP_3": '{"x":{"1":7}}',
      "variable MAGNUS_TRACK_x_STEP_01": '{"x":{"1":7}}',
      "printed x_STEP_1 and x_STEP_01": '{"x":{"1":2}}',
      "printed line 'MAGNUS_TRACK_x_STEP_-1=1'": '{"x":{"-1":1}}',
      // An empty key besides.
      "variable MAGNUS_TRACK__STEP_1": "{}",
    },
  },
  {
    name: "a step that is no integer kills a run of magnus; here it is told and left out",
    error: /^ValueError: invalid literal for int\(\)/,
    cases: {
      "variable MAGNUS_TRACK_x_STEP_b": "{}",
      "variable MAGNUS_TRACK_x_STEP_": "{}",
      "variable MAGNUS_TRACK_x_STEP_b_STEP_3": "{}",
      "printed line 'MAGNUS_TRACK_x_STEP_1.0=1'": "{}",
    },
  },
  {
    name: "an integer past Python's limit of digits kills a run of magnus",
    error: /^ValueError: Exceeds the limit/,
    cases: { "value int of 4301 digits": '{"x":"Infinity"}' },
  },
  {
    name: "JSON that nests too deep kills a run of magnus; as text it is kept",
    error: /^RecursionError/,
    cases: { "value 100000 x [": `{"x":"${"[".repeat(100_000)}"}` },
  },
];

/** magnus's step fails, or succeeds with other metrics. */
export const differences: readonly Difference[] = [
  {
    name: "metrics of a script that fails are kept",
    cases: {
      "exit 1 after export": '{"x":1}',
      "the last command fails": '{"x":1}',
      "set -e and a failure": '{"x":1}',
      "printed, then the command fails": '{"x":1}',
    },
  },
  {
    name: "metrics of a script that ends by exit, or in a comment, are kept",
    cases: { "exit 0 after export": '{"x":1}', "comment on the last line": '{"x":1}' },
  },
  {
    name: "a value is whole, also with newlines in it",
    cases: {
      "value with a newline": '{"x":"line one\\nline two"}',
      "value with a newline and a MAGNUS line": '{"x":"line one\\nMAGNUS_TRACK_y=2"}',
      "value pretty JSON over 3 lines": '{"x":{"a":1}}',
    },
  },
  {
    name: "a printed MAGNUS_TRACK_x without '=' is a line like others; in magnus it fails the step",
    cases: { "printed line 'MAGNUS_TRACK_x'": "{}" },
  },
  {
    name: "an empty key is told and left out",
    cases: { "variable MAGNUS_TRACK_": "{}", "variable MAGNUS_TRACK__STEP_0": "{}" },
  },
  {
    name: "digits of other scripts are no step: told and left out",
    cases: { "printed line 'MAGNUS_TRACK_x_STEP_٠=1'": "{}" },
  },
  {
    name: "an integer past 2^53 is the nearest double, past 1.8e308 Infinity",
    cases: {
      "value 9007199254740993": "9007199254740992",
      "value 123456789012345678901234567890": "1.2345678901234568e+29",
      "value $(printf '9%.0s' $(seq 4300))": '"Infinity"',
    },
  },
  {
    name: "there is one kind of number: a float that is whole is written without a point",
    cases: { "value 1.0": "1", "value 1e3": "1000", "value 1E3": "1000", "value 1e-400": "0" },
  },
  { name: "-0 keeps its sign", cases: { "value -0": "-0.0" } },
  {
    name: "NaN inside JSON is no JSON: the text is kept",
    cases: { "value '{\"a\":NaN}'": '"{\\"a\\":NaN}"' },
  },
];
