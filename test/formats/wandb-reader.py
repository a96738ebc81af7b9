"""W&B's own reader of transaction logs in Python, 0.19.11, as a judge.

records FILE: each record on stdout, a JSON line with its kind and content; values stay the JSON text that they are.
sizes FILE...: a JSON line for each file: the CRC-32 and length of each of its records, whatever is in them.
"""

import json
import sys
import zlib

import wandb
from google.protobuf.json_format import MessageToDict
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore


def records(file):
    wandb._assert_is_internal_process = True
    store = DataStore()
    store.open_for_scan(file)
    while (data := store.scan_data()) is not None:
        yield data


def content(data):
    record = wandb_internal_pb2.Record()
    record.ParseFromString(data)
    kind = record.WhichOneof("record_type")
    size = record.ByteSize()
    record.DiscardUnknownFields()
    assert record.ByteSize() == size, "it has fields that this version does not know"
    message = getattr(record, kind)
    # The other way takes five times as long, and these are nearly all records.
    fields = {"item": [pair(item) for item in message.item]} if kind == "history" else as_dict(message)
    return {"num": record.num, "type": kind, kind: fields}


def pair(item):
    return {"nested_key": list(item.nested_key), "value_json": item.value_json}


def as_dict(message):
    return MessageToDict(message, preserving_proto_field_name=True)


request, *files = sys.argv[1:]
for file in files:
    if request == "sizes":
        print(json.dumps([[zlib.crc32(data), len(data)] for data in records(file)]))
    else:
        for data in records(file):
            print(json.dumps(content(data)))
