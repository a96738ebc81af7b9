/** `runlog/server`: any store behind HTTP. */
export { createRunLogServer, type RunLogServer, type RunLogServerOptions } from "./app.ts";
export { type ServeOptions, type Serving, serve } from "./serve.ts";
