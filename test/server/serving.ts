/** A program for tests: serves the filesystem store of the folder in argv[2] and prints its URL. */
import { serve } from "../../src/server/index.ts";
import { filesystemStore } from "../../src/stores/filesystem/index.ts";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node serving.ts FOLDER");
const { url } = await serve({ store: filesystemStore(folder), port: 0 });
process.stdout.write(`${url}\n`);
