"""One request, however often it has to be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wire import Reply


@dataclass(eq=False)
class Order:
    """One request, with what became of it."""

    number: int
    method: str
    params: dict[str, Any]
    # The token of the process that it starts.
    token: str | None = None
    sent: int = 0
    # Failures that said: send it again.
    refusals: list[dict[str, Any]] = field(default_factory=list)
    refused_since: float = 0.0
    reply: Reply | None = None

    @property
    def id(self) -> str:
        return self.params["id"]

    @property
    def request_id(self) -> str | None:
        return self.params.get("request_id")

    @property
    def succeeded(self) -> bool:
        return self.reply is not None and self.reply.error is None

    @property
    def result(self) -> Any:
        return self.reply.result if self.reply else None

    @property
    def code(self) -> str | None:
        """Why it failed."""
        return self.reply.error["code"] if self.reply and self.reply.error else None

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody can say if it was carried out."""
        return self.code == "aborted"

    def __str__(self) -> str:
        came = "unanswered" if self.reply is None else self.reply.error or self.reply.result
        keys = {key: value for key, value in self.params.items() if key != "spec"}
        return f"{self.method} {keys} token {self.token}, sent {self.sent} times, refused {self.refusals[-3:]}: {came}"
