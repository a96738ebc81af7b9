import * as z from "zod/mini";
import { summarySchema } from "../stores/remote-summary.ts";

type Json = Readonly<Record<string, unknown>>;

const next = z.record(z.string(), z.int());
const problem = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  next: z.optional(next),
  writer: z.optional(z.string()),
  seq: z.optional(z.int()),
  line: z.optional(z.int()),
});
const series = z.object({
  step: z.array(z.number()),
  time: z.array(z.number()),
  value: z.array(z.unknown()),
});

/** What this server has, as an OpenAPI 3.1 document; the schemas are those that check. */
export function openApi(): Json {
  return {
    openapi: "3.1.0",
    info: { title: "runlog", version: "1", description: "A run-log store over HTTP." },
    paths: {
      "/healthz": { get: operation("The server is up", json(z.object({ status: z.literal("ok") }))) },
      "/v1/runs": {
        get: operation(
          "Runs without their series, newest first unless sort says otherwise",
          json(z.object({ runs: z.array(summarySchema), cursor: z.optional(z.string()) })),
          ["tag", "status", "where", "where-meta", "sort", "limit", "cursor"].map((name) => inQuery(name)),
        ),
      },
      "/v1/runs/{id}": {
        get: operation("The run log", json(z.record(z.string(), z.unknown())), [
          id,
          inQuery("metrics", ["last"]),
        ]),
        delete: { ...operation("Deletes the run for ever", undefined, [id]) },
      },
      "/v1/runs/{id}/segments": { post: appendOperation() },
      "/v1/runs/{id}/position": {
        get: operation("Next number of each writer", json(z.object({ next })), [id]),
      },
      "/v1/runs/{id}/series": {
        get: operation("One series", json(series), [
          id,
          { ...inQuery("key"), required: true },
          inQuery("task"),
        ]),
      },
      "/v1/runs/{id}/writers/{writer}/segments": {
        get: operation("A writer's segments, one in each line", lines, [
          id,
          {
            name: "writer",
            in: "path",
            required: true,
            schema: { type: "string", pattern: "^[0-9a-f]{12}$" },
          },
          inQuery("from"),
          inQuery("bytes"),
        ]),
      },
    },
  };
}

const lines: Json = { "application/x-ndjson": { schema: { type: "string" } } };
const id: Json = {
  name: "id",
  in: "path",
  required: true,
  schema: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$" },
};

function appendOperation(): Json {
  return {
    ...operation("Appends segments in order; stops at the first problem", json(z.object({ next })), [id]),
    requestBody: {
      required: true,
      content: lines,
      description: "At most 16 MiB; Content-Encoding gzip is taken.",
    },
  };
}

function operation(summary: string, content: Json | undefined, parameters: readonly Json[] = []): Json {
  const done =
    content === undefined ? { 204: { description: "Done" } } : { 200: { description: summary, content } };
  const refused = {
    description: "A problem document (RFC 9457)",
    content: { "application/problem+json": { schema: schema(problem) } },
  };
  return { summary, parameters, responses: { ...done, default: refused } };
}

function inQuery(name: string, values?: readonly string[]): Json {
  return { name, in: "query", schema: { type: "string", ...(values !== undefined && { enum: values }) } };
}

function json(type: z.ZodMiniType): Json {
  return { "application/json": { schema: schema(type) } };
}

function schema(type: z.ZodMiniType): Json {
  // What only code can check, as objects by any name, is {}: anything.
  return z.toJSONSchema(type, { unrepresentable: "any" }) as Json;
}
