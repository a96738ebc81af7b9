/**
 * Everything for a page in one file without imports, `runlog/bundle.js`: the core, MLflow and the remote run-log store.
 * For a plain `<script type="module">`; with a bundler or an import map, `runlog` and `runlog/mlflow` are smaller. A
 * page that loads both has two copies, which share what is stored and nothing else.
 */
export { type MlflowOptions, mlflow } from "./destinations/mlflow/index.ts";
export * from "./index.ts";
