/** The part of Observable's runtime that is used here; it comes without types. */
declare module "@observablehq/runtime" {
  interface Variable {
    define(name: string, inputs: readonly string[], definition: unknown): Variable;
    define(inputs: readonly string[], definition: unknown): Variable;
  }
  interface Module {
    define(name: string, inputs: readonly string[], definition: unknown): Variable;
    redefine(name: string, inputs: readonly string[], definition: unknown): Variable;
    variable(observer: object): Variable;
  }
  export class Runtime {
    module(): Module;
  }
}
