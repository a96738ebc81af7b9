/** Type tests of the metric model: `tsc` is the runner, each wrong use must be an error. */
// biome-ignore lint/style/noRestrictedImports: models of both zods must work
import * as full from "zod";
import * as z from "zod/mini";
import {
  defineMetrics,
  type Metric,
  type MetricModel,
  metric,
  type Tracked,
} from "../../src/model/metrics.ts";
import type { StandardSchema } from "../../src/model/standard-schema.ts";

type Equal<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
declare function same<One, Other>(equal: Equal<One, Other>): void;

declare const length: StandardSchema<string, number>;
const date = z.codec(z.string(), z.date(), {
  decode: (text) => new Date(text),
  encode: (value) => value.toISOString(),
});

const closed = defineMetrics({
  loss: metric({ goal: "min" }),
  note: z.string(),
  at: date,
  mode: full.enum(["a", "b"]),
  length,
});
const open = defineMetrics({ loss: metric() }, { others: true });

export function types(): void {
  const track = (values: Tracked<typeof closed>): void => void values;
  const any = (values: Tracked<typeof open>): void => void values;

  same<Tracked<typeof closed>["loss"], number | undefined>(true);
  same<Tracked<typeof closed>["at"], Date | undefined>(true);
  same<Tracked<typeof closed>["mode"], "a" | "b" | undefined>(true);
  same<Tracked<typeof closed>["length"], string | undefined>(true);
  same<keyof Tracked<typeof closed>, "loss" | "note" | "at" | "mode" | "length">(true);
  same<Tracked<undefined>, Readonly<Record<string, unknown>>>(true);
  same<(typeof open)["others"], true>(true);
  same<(typeof closed)["others"], false>(true);
  same<(typeof closed)["shape"]["loss"], Metric>(true);

  track({});
  track({ loss: 0.3, note: "good", at: new Date(), mode: "b", length: "four" });
  track({ loss: undefined });
  // @ts-expect-error a metric is a number
  track({ loss: "0.3" });
  // @ts-expect-error null is no number
  track({ loss: null });
  // @ts-expect-error a key outside the model
  track({ acuracy: 1 });
  // @ts-expect-error zod takes the output type, not what is stored
  track({ at: "2025-11-23T08:53:20.000Z" });
  // @ts-expect-error other schemas take their input
  track({ length: 4 });
  // @ts-expect-error outside the enum
  track({ mode: "c" });

  any({ loss: 1, eggs: { ham: "world" }, none: undefined });
  // @ts-expect-error known keys keep their type beside others
  any({ loss: "x", eggs: 1 });

  // @ts-expect-error a goal is min or max
  metric({ goal: "minimize" });
  // @ts-expect-error a unit is a text
  metric({ unit: 3 });
  // @ts-expect-error no such option
  metric({ goals: "min" });
  // @ts-expect-error a class is no schema
  defineMetrics({ loss: Number });
  // @ts-expect-error a model is made from schemas, not from values
  defineMetrics({ loss: 0.3 });
  // @ts-expect-error no such option
  defineMetrics({ loss: metric() }, { other: true });

  const models: MetricModel[] = [closed, open];
  const none: MetricModel | undefined = models[0];
  const loose: Tracked<typeof none> = { any: 1 };
  // @ts-expect-error what is tracked is read only
  loose.any = 2;
}
