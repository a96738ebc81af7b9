"""Real magnus as a judge. One JSON request on stdin, one JSON answer on stdout.

{"load": [FOLDER, RUN_ID]}: does the file of that run load whole, and dump back as it is?
{"track": [[[key, step, value], ...], ...]}: what does each sequence of track_this give?
{"read": [TEXT, ...]}: each JSON text as Python reads it.
Values are answered tagged, so that no JSON reader blurs them: {"int": "1"}, {"float": "-0.0"}, {"pairs": [[name, value]]}.
"""

import json
import os
import sys
from types import SimpleNamespace

from magnus import context
from magnus.experiment_tracker import get_tracked_data
from magnus.extensions.run_log_store.file_system.implementation import FileSystemRunLogstore
from magnus.interaction import track_this


def load(folder, run_id):
    path = os.path.join(folder, f"{run_id}.json")
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    store = FileSystemRunLogstore(log_folder=folder)
    run_log = store.get_run_log_by_id(run_id, full=True)
    dumped = run_log.model_dump()
    store.put_run_log(run_log)
    with open(path, encoding="utf-8") as file:
        stored = json.load(file)
    # As text, so that order, 1 and 1.0, and -0.0 count too.
    before, after, again = (json.dumps(log, indent=1) for log in (written, dumped, stored))
    return {"equal": before == after == again, "before": before, "after": after}


def track(sequence):
    try:
        for key, step, value in sequence:
            track_this(step=step, **{key: value})
        return {"metrics": tagged(get_tracked_data())}
    except Exception as error:  # what kills a run of magnus is an answer here
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        for name in [name for name in os.environ if name.startswith("MAGNUS_TRACK_")]:
            del os.environ[name]


def tagged(value):
    if isinstance(value, dict):
        return {"pairs": [[str(name), tagged(item)] for name, item in value.items()]}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return {type(value).__name__: repr(value)}


def answer(request):
    if "load" in request:
        return load(*request["load"])
    if "track" in request:
        return [track(sequence) for sequence in request["track"]]
    return [tagged(json.loads(text)) for text in request["read"]]


context.run_context = SimpleNamespace(executor=True)  # track_this asks for no more of a run
json.dump(answer(json.load(sys.stdin)), sys.stdout)
