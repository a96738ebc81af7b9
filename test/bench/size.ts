/** Bytes of the web entry, alone and with MLflow. */
import { pageSizes } from "../house/size.ts";
import { publish } from "./measure/table.ts";

const rows = (await pageSizes()).map(({ name, bytes, budget }) => [
  name,
  bytes.toLocaleString("en-US"),
  budget.toLocaleString("en-US"),
]);
publish("size", [["a page with", "bytes, gzip", "budget"], ...rows]);
