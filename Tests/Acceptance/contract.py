"""The tables of Protocol.md, as data."""

PROGRAM = {"process": {"args": ["/bin/true"]}}

# Every method that needs an id, with whatever else it needs.
WITH_ID: dict[str, dict] = {
    "start": {},
    "exec": {"process": "p", "spec": {"args": ["/bin/true"]}},
    "signal": {"signal": 15},
    "signal_process": {"process": "p", "signal": 15},
    "stop": {},
    "resize": {"width": 80, "height": 25},
    "pause": {},
    "resume": {},
    "pids": {},
    "summary": {},
    "restore": {},
    "update": {"resources": {"memory": {"limit": 1 << 30}}},
    "checkpoint_create": {"checkpoint": "c"},
    "checkpoint_delete": {"checkpoint": "c"},
    "checkpoint_list": {},
    "delete": {},
    "state": {},
    "wait": {},
    "attach": {"credit": 1},
    "credit": {"process": "init", "bytes": 1},
    "detach": {"process": "init"},
    "stdin": {"data": b""},
    "logs": {},
}
WITHOUT_ID: dict[str, dict] = {
    "ping": {},
    "version": {},
    "stats": {},
    "list": {},
    "events": {"after": 0},
    "snapshot": {},
    "health": {},
}
ALL = {**WITHOUT_ID, **WITH_ID, "create": {"spec": PROGRAM}, "drain": {}}

# Methods that name a process, with whatever else they need beside id and process.
WITH_PROCESS: dict[str, dict] = {
    "exec": {"spec": {"args": ["/bin/true"]}},
    "signal_process": {"signal": 15},
    "wait": {},
    "attach": {"credit": 1},
    "credit": {"bytes": 1},
    "detach": {},
    "stdin": {"data": b""},
    "resize": {"width": 80, "height": 25},
    "logs": {},
}

BAD_IDS = [
    "",
    "a" * 129,
    ".a",
    "-a",
    "_a",
    "a/b",
    "../etc",
    "a b",
    "a\n",
    "a\0",
    "\0",
    "ä",
    "a:b",
    "a\\b",
    "\ud7ff",
    7,
    1.0,
    True,
    None,
    b"a",
    ["a"],
    {"a": 1},
]
GOOD_IDS = ["a", "9", "A0_.-", "a..b", "Z" * 128]

RECORD_REQUIRED = {
    "id",
    "seq",
    "state",
    "created_at",
    "isolation",
    "processes",
    "labels",
    "paused",
    "update_pending",
    "queue_depth",
    "ignored",
}
RECORD_OPTIONAL = {"pid", "started_at", "exit", "image_layers", "stuck"}
