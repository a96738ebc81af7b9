"""The shell task of real magnus. One JSON request on stdin, {"shell": [SCRIPT, ...]}, one JSON answer on stdout.

For each script what magnus puts into the run log as user_defined_metrics, tagged as in magnus.py, whether the step
failed, and the error that kills the whole run, where one does.
"""

import contextlib
import io
import json
import logging
import os
import sys

from magnus.experiment_tracker import get_tracked_data
from magnus.tasks import ShellTaskType


@contextlib.contextmanager
def caught(self, map_variable=None):
    with contextlib.redirect_stdout(io.StringIO()):
        yield


ShellTaskType.output_to_file = caught  # the real one puts the output into a run's catalog, and there is no run


def tagged(value):
    if isinstance(value, dict):
        return {"pairs": [[str(name), tagged(item)] for name, item in value.items()]}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return {type(value).__name__: repr(value)}


def step(script):
    """As magnus' executor: a step that fails keeps no metrics; what the reading of them raises kills the run."""
    os.environ["MAGNUS_RUN_ID"] = "shell"  # as in every run: without any such variable `env | grep` fails the step
    failed = None
    try:
        ShellTaskType(command=script, node_name="shell").execute_command()
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    try:
        metrics = get_tracked_data()
    except Exception as error:
        return {"crash": f"{type(error).__name__}: {error}"}
    if failed is not None:
        return {"failed": failed}
    return {"metrics": tagged(metrics)}


def clean_step(script):
    try:
        return step(script)
    finally:
        for name in [name for name in os.environ if name.startswith("MAGNUS_")]:
            del os.environ[name]


logging.disable(logging.CRITICAL)  # it goes to stdout
json.dump([clean_step(script) for script in json.load(sys.stdin)["shell"]], sys.stdout)
