/**
 * The interface that schema libraries agree on (https://standardschema.dev, version 1, with its JSON Schema
 * extension): types only, so that a metric model takes zod, valibot, ArkType and others without depending on them.
 */

/** A schema: `Input` is what it is given, `Output` what it makes of that. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProps<Input, Output>;
}

export interface StandardProps<Input = unknown, Output = Input> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** Never there at run time: it carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  readonly jsonSchema?: StandardJsonSchema | undefined;
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** JSON Schema of both sides. May throw for what JSON Schema cannot say. */
export interface StandardJsonSchema {
  readonly input: (options: StandardJsonOptions) => Record<string, unknown>;
  readonly output: (options: StandardJsonOptions) => Record<string, unknown>;
}

export interface StandardJsonOptions {
  readonly target: "draft-2020-12";
  /** For the library of that schema; others ignore it. */
  readonly libraryOptions?: Record<string, unknown> | undefined;
}
