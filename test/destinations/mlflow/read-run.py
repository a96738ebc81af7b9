"""Prints a run as MLflow's own client reads it: params, tags, and every metric's history."""

import json
import sys

from mlflow import MlflowClient

client = MlflowClient(tracking_uri=sys.argv[1])
run = client.get_run(sys.argv[2])
history = {
    key: [[m.step, m.timestamp, repr(float(m.value))] for m in client.get_metric_history(run.info.run_id, key)]
    for key in run.data.metrics
}
print(json.dumps({"status": run.info.status, "params": run.data.params, "tags": run.data.tags, "history": history}))
