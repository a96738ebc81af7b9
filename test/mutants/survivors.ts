/**
 * Mutants that no test here can notice, each with its reason: the same behaviour by other code, or one that only a
 * real fault shows (a power cut, another process or system). Keys as the run prints them; `*` stands for any text.
 */

const sameResult: Readonly<Record<string, string>> = {
  "src/client/lease.ts createLease.hold: if (released) is always false":
    "the lock is taken for a moment, then found released and freed",
  "src/client/recorder.ts createRecorder.metric: if (block === undefined || *) is always true":
    "the place is looked up again and is the same: slower only",
  "src/client/resume.ts canonical.sorted: one < other becomes one <= other": "the keys of an object differ",
  "src/client/resume.ts lastSteps: each > (last.get(name) ?? -Infinity) becomes *":
    "an equal step is set again",
  "src/stores/filesystem/derived.ts createDerived.drop: dirty = false becomes true":
    "the run is deleted, which the writing itself looks at",
  "src/stores/filesystem/derived.ts writeRunLog: without await journal.state.refresh();":
    "reading the segments looks at the folder as well",
  "src/stores/filesystem/derived.ts writeRunLog: not awaited: await journal.state.refresh()":
    "reading the segments looks at the folder as well",
  "src/stores/filesystem/read.ts stretchAt: *first.length + 1 becomes*":
    "more and smaller reads of the same bytes",
  "src/stores/filesystem/read.ts stretchAt: entry.length + 1 becomes*":
    "more and smaller reads of the same bytes",
  "src/stores/filesystem/read.ts stretchAt: if (entry.file !== first.file *) is always true":
    "more and smaller reads of the same bytes",
  "src/stores/filesystem/read.ts readStretch: first === undefined || last === undefined becomes*":
    "a stretch has both or neither",
  "src/stores/filesystem/scan.ts look: size === file.size || size === file.scanned becomes*":
    "a file that did not grow is read again and found the same",
  "src/stores/memory.ts writersOf: one < other becomes one <= other": "the writers of a run differ",
  'src/stores/filesystem/store-id.ts whenMissing: if (errorCode(error) !== "ENOENT") is always false':
    "making the id anew meets the one that is there, and reads it again",
  "src/stores/remote-batch.ts batchesOf: segment.bytes.length + 1 becomes segment.bytes.length":
    "a request may be larger by one byte a segment",
  "src/stores/remote-copy.ts goBack: * await confirm(copy, reached(copy, batch))*":
    "the next pass finds them there and confirms them",
  "src/stores/remote.ts linesOf: end < 0 becomes end <= 0 #2": "no line is empty",
  "src/sync/courier.ts createCourier.schedule: timerAt <= at becomes timerAt < at":
    "a timer of the same moment",
  'src/sync/courier.ts createCourier.settle: if ("problem" in passed) is always true':
    "where there is none it is undefined",
  "src/sync/courier.ts aborted: if (signal.aborted) is always false":
    "`drain` looks at its signal before it waits",
  "src/sync/pass.ts createPasses.deliverAll: performance.now() - lastSweep > sweepMillis becomes*":
    "a moment of no length",
  "src/destinations/mlflow/run-identity.ts byId: one.id < other.id becomes one.id <= other.id": "ids differ",
};

const harmlessLate: Readonly<Record<string, string>> = {
  "src/stores/filesystem/leases.ts create: not awaited: await handle.writeFile(*":
    "a lease is taken by its name alone; its token is read by its holder 15 s later",
  "src/stores/filesystem/leases.ts takeAway: not awaited: await rm(mine, *":
    "what was taken away has no reader",
  "src/stores/filesystem/*: not awaited: await handle.close()": "nothing reads or writes through it any more",
  "src/stores/filesystem/own-file.ts ownFile.abandon: not awaited: await release()":
    "the file is given up; its handle is closed a moment later",
  "src/stores/filesystem/derived.ts writeRunLog: not awaited: await makeFolder(layout.folder)":
    "the folder is there, for its journal was read",
  "src/http/caller.ts attempt: without deadline.stop();": "a timer that aborts an answer that was read",
  "src/http/caller.ts answerOf: not awaited: await response.body?.cancel()":
    "the body is not read in any case",
};

const elsewhere: Readonly<Record<string, string>> = {
  'src/stores/filesystem/durable.ts *: if (process.platform === "win32") is always false': "Windows alone",
  "src/stores/node-locks.ts addressPrefix: *win32*": "Windows alone",
  'src/stores/node-locks.ts listen: error.code === "EACCES" becomes*': "what Windows answers",
  "src/stores/node-locks.ts listen: without reject(error);": "a system without free sockets",
  'src/stores/node-locks.ts answers: error.code !== "ENOENT" becomes*': "Windows alone",
};

const unreachable: Readonly<Record<string, string>> = {
  'src/stores/filesystem/run-index.ts *: if (isRunlogError(error, "segment_damaged")) is always false':
    "nothing else is thrown there; a bug would be shown as itself",
  "src/stores/filesystem/run-index.ts *: without throw error;": "nothing else is thrown there",
  "src/stores/remote-copy.ts observationsOf: without throw error;": "nothing else is thrown there",
  "src/stores/filesystem/handle-pool.ts createHandlePool.trim: if (oldest === undefined) is always false":
    "a set that is not empty has a first",
};

/** Mutant -> why it survives. */
export const explained: Readonly<Record<string, string>> = {
  ...sameResult,
  ...harmlessLate,
  ...elsewhere,
  ...unreachable,
};
