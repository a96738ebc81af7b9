import { ValidationError } from "../errors.ts";
import type { Status } from "../model/records.ts";
import { compareText } from "./order.ts";
import type { MetricSummary, RunSummary } from "./summary.ts";

/** What a path of `where` must meet; several must all hold. A missing value meets only `ne`. */
export interface Condition {
  readonly eq?: unknown;
  readonly ne?: unknown;
  readonly gt?: unknown;
  readonly gte?: unknown;
  readonly lt?: unknown;
  readonly lte?: unknown;
  /** Equal to one of them. */
  readonly in?: readonly unknown[];
}

/** Which runs to list. All conditions must hold. */
export interface RunQuery {
  readonly tag?: string;
  readonly status?: Status;
  /**
   * Dotted paths into a summary: `parameters.lr`, `labels.team`, `last.loss`, `best.loss`, `min.loss`, `max.loss`,
   * `status`, `tag`, … . What follows the first dot is a name, dots and slashes in it included. A value means
   * equality, an object of operators (`{ gte: 0.01, lt: 1 }`) a condition.
   */
  readonly where?: Readonly<Record<string, unknown>>;
  /** A path as in `where`, or `started`, `ended`; a leading `-` turns the order. @default "-started" */
  readonly sort?: string;
  readonly limit?: number;
}

const fields = [
  "run",
  "uid",
  "tag",
  "key",
  "status",
  "signal",
  "started",
  "ended",
  "updated",
  "observations",
  "store",
  "released",
];
const sections = ["parameters", "labels", "last", "best", "min", "max"];
const operators = ["eq", "ne", "gt", "gte", "lt", "lte", "in"];

/**
 * Whether `summary` meets `query`; `sort` and `limit` say nothing about one run.
 * @throws {ValidationError} for a path or operator that does not exist
 */
export function matches(summary: RunSummary, query: RunQuery): boolean {
  if (query.tag !== undefined && summary.tag !== query.tag) return false;
  if (query.status !== undefined && summary.status !== query.status) return false;
  return Object.entries(query.where ?? {}).every(([path, condition]) =>
    holds(readerOf(path, "where")(summary), conditionOf(path, condition)),
  );
}

/**
 * The runs that meet `query`, in its order, at most its limit. Runs without the value sorted by come last.
 * @throws {ValidationError} for a path, operator or limit that cannot be
 */
export function selectRuns(summaries: readonly RunSummary[], query: RunQuery = {}): RunSummary[] {
  const { where = {}, sort = "-started", limit } = query;
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new ValidationError("limit", `must be an integer from 0, found ${String(limit)}`);
  }
  // Checked here too, so that a wrong query is told when there are no runs yet.
  for (const [path, condition] of Object.entries(where)) {
    readerOf(path, "where");
    conditionOf(path, condition);
  }
  const turned = sort.startsWith("-");
  const read = readerOf(turned ? sort.slice(1) : sort, "sort");
  const found = summaries.filter((summary) => matches(summary, query));
  found.sort((a, b) => compareForSort(read(a), read(b), turned) || compareText(a.run, b.run));
  return limit === undefined ? found : found.slice(0, limit);
}

function readerOf(path: string, option: string): (summary: RunSummary) => unknown {
  if (fields.includes(path)) return (summary) => summary[path as keyof RunSummary];
  const dot = path.indexOf(".");
  const section = path.slice(0, Math.max(dot, 0));
  const name = path.slice(dot + 1);
  if (!sections.includes(section) || name === "") {
    const known = [...fields, ...sections.map((one) => `${one}.<name>`)].join(", ");
    throw new ValidationError(option, `names '${path}', which no run has; known are ${known}`);
  }
  if (section === "parameters" || section === "labels") {
    return (summary) => own<unknown>(summary[section], name);
  }
  return (summary) => own(summary.metrics, name)?.[section as keyof MetricSummary];
}

function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** An object that names only operators is a condition; one that looks like a mistyped condition is refused. */
function conditionOf(path: string, condition: unknown): Condition {
  if (typeof condition !== "object" || condition === null || isWhole(condition)) return { eq: condition };
  const names = Object.keys(condition);
  const unknown = names.find((name) => !operators.includes(name));
  if (names.length > 0 && unknown === undefined) return checkedIn(path, condition as Condition);
  const found = unknown === undefined ? "none" : `'${unknown}'`;
  throw new ValidationError(
    "where",
    `must give '${path}' a value or operators (${operators.join(", ")}), found ${found}; an object to compare with goes into { eq: … }`,
  );
}

function checkedIn(path: string, condition: Condition): Condition {
  if (!Object.hasOwn(condition, "in") || Array.isArray(condition.in)) return condition;
  throw new ValidationError("where", `must give '${path}' a list for the operator 'in'`);
}

/** Arrays, dates and instances are values to compare with, not conditions. */
function isWhole(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  return prototype !== null && prototype !== Object.prototype;
}

function holds(value: unknown, condition: Condition): boolean {
  return Object.entries(condition).every(([operator, wanted]) => {
    switch (operator) {
      case "eq":
        return same(value, wanted);
      case "ne":
        return !same(value, wanted);
      case "in":
        return (wanted as readonly unknown[]).some((one) => same(value, one));
      default:
        return ordered(operator, compare(value, wanted));
    }
  });
}

function ordered(operator: string, order: number | undefined): boolean {
  if (order === undefined) return false;
  if (operator === "gt") return order > 0;
  if (operator === "gte") return order >= 0;
  return operator === "lt" ? order < 0 : order <= 0;
}

/** NaN is NaN, dates are their times, objects and lists compare by what is in them. */
function same(one: unknown, other: unknown): boolean {
  if (one === other || (Number.isNaN(one) && Number.isNaN(other))) return true;
  if (one instanceof Date && other instanceof Date) return one.getTime() === other.getTime();
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other) || isWhole(one) !== isWhole(other)) return false;
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return false;
  return names.every(
    (name) =>
      Object.hasOwn(other, name) &&
      same((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name]),
  );
}

/** Undefined for what has no order: different kinds, NaN, objects. */
function compare(one: unknown, other: unknown): number | undefined {
  if (one instanceof Date && other instanceof Date) return compare(one.getTime(), other.getTime());
  if (typeof one === "string" && typeof other === "string") return compareText(one, other);
  if (!isNumeric(one) || !isNumeric(other) || Number.isNaN(one) || Number.isNaN(other)) return undefined;
  return one < other ? -1 : Number(one > other);
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function compareForSort(one: unknown, other: unknown, turned: boolean): number {
  const missing = rank(one) - rank(other);
  if (missing !== 0) return missing;
  const order = compare(one, other) ?? 0;
  return turned ? -order : order;
}

/** Kinds one after the other, so that sorting mixed values stays an order; what cannot be sorted comes last. */
function rank(value: unknown): number {
  if (isNumeric(value)) return Number.isNaN(value) ? 3 : 0;
  if (typeof value === "string") return 1;
  return value instanceof Date ? 2 : 3;
}
