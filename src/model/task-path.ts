/**
 * Names of nested tasks. A task may hold branches, a branch holds tasks: the path of names from the outermost task on
 * has an odd length for a task and an even one for a branch, as in magnus ("step.branch.step"). The name by which
 * observations point to a nested task is its path joined by dots.
 */

/** What one name of a path may not hold within a joined name: the dot that joins, and the sign that stands for it. */
const joint = /[.%]/g;

/** The one name of a path; an outermost task keeps its own, dots too. */
export function nameOfPath(path: readonly string[]): string {
  if (path.length === 1) return path[0] as string;
  return path.map((part) => part.replace(joint, (sign) => (sign === "." ? "%2E" : "%25"))).join(".");
}
