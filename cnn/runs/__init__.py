"""A run on the disk, and whoever trains it: its directory, queue and launchers.

The dashboard and the trainer meet here and nowhere else. Knows no TensorFlow, no picture and no page; what every file
holds stands in `docs/runs.md`.
"""

from cnn.runs.derived import read_found, write_found
from cnn.runs.directory import (
    DEFAULT_ID,
    MAX_NOTE,
    MAX_TAG,
    MAX_TAGS,
    all_runs,
    clean_name,
    create,
    find,
    get,
    listed,
    new_folder,
    read,
    relabel,
    root,
    shipped,
    stamp,
)
from cnn.runs.files import json_objects, read_json, write_json, write_npz, write_text
from cnn.runs.metrics import learning_rate_changes, read_metrics, summary, validation_curve, write_summary
from cnn.runs.requests import Request, ask, forget_requests, read_requests, request_stop
from cnn.runs.run import Run, RunExists, Summary, UnknownRun, log_tail
from cnn.runs.status import (
    ACTIVE,
    RESUMABLE,
    Seconds,
    Share,
    State,
    Status,
    closed,
    is_alive,
    signed,
    since_boot,
    write_status,
)
from cnn.runs.trash import delete, is_in_bin, restore

__all__ = [
    "ACTIVE",
    "DEFAULT_ID",
    "MAX_NOTE",
    "MAX_TAG",
    "MAX_TAGS",
    "RESUMABLE",
    "Request",
    "Run",
    "RunExists",
    "Seconds",
    "Share",
    "State",
    "Status",
    "Summary",
    "UnknownRun",
    "all_runs",
    "ask",
    "clean_name",
    "closed",
    "create",
    "delete",
    "find",
    "forget_requests",
    "get",
    "is_alive",
    "is_in_bin",
    "json_objects",
    "learning_rate_changes",
    "listed",
    "log_tail",
    "new_folder",
    "read",
    "read_found",
    "read_json",
    "read_metrics",
    "read_requests",
    "relabel",
    "request_stop",
    "restore",
    "root",
    "shipped",
    "signed",
    "since_boot",
    "stamp",
    "summary",
    "validation_curve",
    "write_found",
    "write_json",
    "write_npz",
    "write_status",
    "write_summary",
    "write_text",
]
