"""What workers report, and what their errors are raised as."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self


class WorkerError(Exception):
    """A request failed. `retryable`: the same request can succeed later without any change."""

    def __init__(self, message: str, retryable: bool = False, details: Any = None, code: str | None = None):
        super().__init__(message)
        self.message, self.retryable, self.details = message, retryable, details if isinstance(details, dict) else {}
        self.code = code or re.sub(r"\B([A-Z])", r"_\1", type(self).__name__).lower()

    @staticmethod
    def of(error: dict[str, Any]) -> "WorkerError":
        """The exception for an error reply: `not_found` is a `NotFound`."""
        code, kinds = str(error.get("code")), {kind.__name__: kind for kind in WorkerError.__subclasses__()}
        kind = kinds.get(code.title().replace("_", ""), WorkerError)
        return kind(str(error.get("message")), bool(error.get("retryable")), error.get("details"), code)


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
class Internal(WorkerError): ...
class DataLoss(WorkerError): ...


@dataclass(frozen=True)
class Record:
    """A map of the protocol; `raw` is all of it as it came."""
    raw: Mapping[str, Any] = field(repr=False, compare=False, kw_only=True)

    @classmethod
    def of(cls, raw: Any) -> Self:
        try:
            known = {each.name: raw[each.name] for each in fields(cls) if each.name in raw} | {"raw": raw}
            return cls(**known | ({"exit": Exit.of(raw["exit"])} if "exit" in known else {}))
        except (TypeError, KeyError) as error:
            raise Internal(f"the worker sent a malformed {cls.__name__.lower()}: {error}") from None


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
    exit: Exit | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


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
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """Events that are not to be had any more; `last` is None where the worker has lost its state and counts anew."""
    first: int
    last: int | None
    containers: list[Container] | None = None  # a snapshot in place of them: what follows is in none of its records
    type: str = "gap"


@dataclass(frozen=True)
class Output:
    """Bytes that a process wrote; `offset` counts over all of its streams."""
    stream: str
    offset: int
    data: bytes
    dropped: int = 0  # bytes before these that were not read in time
    dropped_unknown: bool = False  # an unknown amount is missing too, since the worker was started anew
    hold_lost: bool = False  # from here on the process does not wait for this reader any more


@dataclass(frozen=True)
class Completed:
    """What `run` gives; `dropped` counts the bytes of output that are not in it."""
    exit: Exit
    stdout: bytes
    stderr: bytes
    dropped: int
