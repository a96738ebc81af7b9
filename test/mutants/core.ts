/** What is made mutants of, and the tests that judge them. */

/** The files that a loss or a double could come from. */
export const core: readonly string[] = [
  "src/stores/filesystem/*.ts",
  "src/stores/{rules,memory,memory-ledger,indexeddb-append,summaries}.ts",
  "src/stores/{node-locks,lease-locks,remote,remote-copy,remote-batch}.ts",
  "src/sync/*.ts",
  "src/client/{writer,opening,resume,liveness,lease,recorder}.ts",
  "src/http/{answer,problems,caller}.ts",
  "src/destinations/mlflow/{send,resolve,run-identity,deliver,batches}.ts",
];

/** Tests that run the sources in their own process. */
export const judges: readonly string[] = [
  "test/{client,destinations/mlflow,http,server,stores,sync}/*.test.ts",
];

/** Tests that need a server or a browser of their own, or many seconds: too slow to be asked about each mutant. */
export const others: readonly string[] = [
  "test/destinations/mlflow/{faults,page,real-server}.test.ts",
  "test/server/serve.test.ts",
  "test/stores/filesystem-processes.test.ts",
];
