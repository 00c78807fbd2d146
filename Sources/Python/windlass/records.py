"""What workers report, and what their errors are raised as."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, Self


class WorkerError(Exception):
    """A request failed. `retryable`: the same request can succeed later without any change."""

    code = "internal"
    kinds: ClassVar[dict[str, type[WorkerError]]] = {}

    def __init__(self, message: str, *, retryable: bool = False, details: dict[str, Any] | None = None):
        super().__init__(message)
        self.message, self.retryable, self.details = message, retryable, details or {}

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"\B([A-Z])", r"_\1", cls.__name__).lower()
        WorkerError.kinds[cls.code] = cls

    @staticmethod
    def of(error: dict[str, Any]) -> WorkerError:
        """The exception for an error reply, of the class that is named as its code."""
        code, details = str(error.get("code")), error.get("details")
        made = WorkerError.kinds.get(code, WorkerError)(str(error.get("message")), details=details)
        made.code, made.retryable = code, bool(error.get("retryable"))
        return made


class InvalidArgument(WorkerError): ...
class NotFound(WorkerError): ...
class AlreadyExists(WorkerError): ...
class FailedPrecondition(WorkerError): ...
class ResourceExhausted(WorkerError): ...
class Unavailable(WorkerError): ...
class DeadlineExceeded(WorkerError): ...
class Unimplemented(WorkerError): ...
class PermissionDenied(WorkerError): ...
class Unauthenticated(WorkerError): ...
class Aborted(WorkerError): ...
class Cancelled(WorkerError): ...
class DataLoss(WorkerError): ...


@dataclass(frozen=True)
class Record:
    """A map of the protocol; `raw` is all of it as it came."""

    raw: Mapping[str, Any] = field(repr=False, compare=False, kw_only=True)

    @classmethod
    def of(cls, raw: Any) -> Self:
        """Reads a map; raises `WorkerError` where it is none or lacks something."""
        try:
            known = {each.name: raw[each.name] for each in fields(cls) if each.name in raw} | {"raw": raw}
            return cls(**known | ({"exit": Exit.of(raw["exit"])} if "exit" in known else {}))
        except (TypeError, KeyError) as error:
            raise WorkerError(f"the worker sent a malformed {cls.__name__.lower()}: {error}") from None


@dataclass(frozen=True)
class Exit(Record):
    """How a process ended; `code` is meaningful only where it is `known`."""

    code: int
    known: bool
    reason: str
    at: datetime
    observed_by: str


@dataclass(frozen=True)
class Container(Record):
    """A container; `seq` is of the newest event that the record includes."""

    id: str
    seq: int
    state: str
    created_at: datetime
    pid: int | None = None
    started_at: datetime | None = None
    exit: Exit | None = None
    processes: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True)
class Event(Record):
    """Something that happened; `seq` rises by exactly one, `epoch` with each start of the worker."""

    host: str
    epoch: int
    seq: int
    time: datetime
    type: str
    id: str | None = None
    process: str | None = None
    pid: int | None = None
    exit: Exit | None = None
    state: str | None = None
    request_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """The events `first` to `last` are not kept any more."""

    first: int
    last: int
    type: str = "gap"


@dataclass(frozen=True)
class Snapshot:
    """What is now, in place of the events `first` to `last`; what follows is in none of its records."""

    first: int
    last: int
    containers: list[Container]
    type: str = "snapshot"


@dataclass(frozen=True)
class Restart:
    """The worker lost its state and counts anew. What it did after event `after` is not known."""

    after: int
    type: str = "restart"


Item = Event | Gap | Snapshot | Restart


@dataclass(frozen=True)
class Output:
    """Bytes that a process wrote; `offset` counts over all of its streams."""

    stream: str
    offset: int
    data: bytes
    dropped: int = 0  # bytes before these that nobody had read in time
    dropped_unknown: bool = False  # an unknown amount is missing too: a new worker could not have the streams again
    restart: bool = False  # the worker has lost count: offsets begin again here


@dataclass(frozen=True)
class Completed:
    """What `run` gives; `dropped` counts the bytes of output that are not in it."""

    exit: Exit
    stdout: bytes
    stderr: bytes
    dropped: int
