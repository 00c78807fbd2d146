"""The account at the end: what was answered, what was told and what the containers wrote have to be one story."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from order import Order
from witness import Testimony

# Methods that are told by an event of the same name, once.
TOLD = {"create", "start", "exec", "pause", "resume", "update", "delete"}
# What a request may come to without any fault of the worker.
USUAL = {"failed_precondition", "already_exists", "not_found", "aborted", "unimplemented", "invalid_argument"}
NOTHING = Testimony(0, [])
# What a process ends with that was asked to, as it writes down itself.
ASKED = 143


def brief(event: dict[str, Any]) -> str:
    """An event in one line, for a person."""
    keys = ["epoch", "seq", "type", "id", "process", "pid", "request_id"]
    words = [f"{key} {event[key]}" for key in keys if key in event]
    if exit := event.get("exit"):
        words.append(f"exit {exit['code']} {exit['reason']}, by {exit['observed_by']}")
    return ", ".join(words)


class Account:
    """Compares the three, and counts."""

    def __init__(
        self,
        orders: list[Order],
        events: list[dict[str, Any]],
        testimonies: dict[str, Testimony],
        usual: set[str] = USUAL,
    ):
        self.orders, self.events, self.testimonies, self.usual = orders, events, testimonies, usual
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.caused: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            if "request_id" in event:
                self.caused[event["request_id"]].append(event)
        self.exits: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            if event["type"] == "exit":
                self.exits[event["id"]].append(event["exit"])
        self.of_token: dict[str, list[Order]] = defaultdict(list)
        for order in orders:
            if order.token:
                self.of_token[order.token].append(order)
        self.token_of = {order.request_id: order.token for order in orders if order.token and order.request_id}

        # Tokens of first processes that were told to run, in whichever try.
        self.started = {self.token_of.get(event.get("request_id")) for event in events if event["type"] == "start"}

    def check(self) -> list[str]:
        """Everything that is wrong."""
        self._numbers()
        for order in self.orders:
            self._order(order)
        for token, testimony in self.testimonies.items():
            if testimony.began > 1:
                self.wrong(f"{token} ran {testimony.began} times")
        lives: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in self.events:
            if event.get("id"):
                lives[event["id"]].append(event)
        for id, events in lives.items():
            self._lives(id, events)
        return self.faults

    def wrong(self, text: str, *about: dict[str, Any]) -> None:
        """Notes a fault, with the events that it is about."""
        self.faults.append("\n      ".join([text, *map(brief, about)]))

    # The stream

    def _numbers(self) -> None:
        epoch = 0
        for number, event in enumerate(self.events, 1):
            if event["seq"] != number:
                return self.wrong(f"the {number}th event has seq {event['seq']}")
            rises = event["type"] == "worker_start"
            if event["epoch"] < epoch + rises or (event["epoch"] > epoch and not rises):
                self.wrong(f"after epoch {epoch} comes", event)
            epoch = event["epoch"]
            self.counts[f"event {event['type']}"] += 1
        return None

    # Requests

    def _order(self, order: Order) -> None:
        self.counts["requests"] += 1
        self.counts["sent again"] += order.sent - 1
        self.counts["refused, to be sent again"] += len(order.refusals)
        if order.reply is None:
            return self.wrong(f"never answered: {order}")
        if not order.succeeded and order.code not in self.usual:
            self.wrong(f"an unusual failure: {order}")
        if order.is_uncertain:
            # Of a signal no service says afterwards whether it was delivered.
            is_signal = order.method in ("signal", "signal_process")
            self.counts[f"aborted, nobody can say{': signals' if is_signal else ''}"] += 1
            if not is_signal:
                self.wrong(
                    f"the service lives, and nobody can say what came of it: {order}", *self.caused[order.request_id]
                )
        elif not order.succeeded:
            self.counts[f"failed: {order.code}"] += 1
        if order.method in ("wait", "stop") and order.succeeded and order.result["exit"] not in self.exits[order.id]:
            self.wrong(f"answered with an exit that was not told: {order}")
        if order.method not in TOLD:
            return None
        caused = self.caused[order.request_id]
        own = [event for event in caused if event["type"] == order.method]
        if order.succeeded:
            self.counts["acknowledged"] += 1
            # One that ended while it was to be paused: the answer says so.
            is_moot = order.method in ("pause", "resume") and order.result["state"] in ("stopping", "stopped")
            # Tries that failed and were to be made again have left nothing behind.
            undone = [event["type"] for event in caused].count("delete") if order.method == "create" else 0
            if len(own) != 1 + undone and not is_moot:
                self.wrong(f"succeeded and was told {len(own)} times: {order}", *caused)
            starts = order.method == "create" and order.params["start"]
            if starts and [event["type"] for event in caused].count("start") != 1:
                self.wrong(f"succeeded and its start was not told once: {order}", *caused)
        elif own and not order.is_uncertain:
            # Of a start that failed nothing is left: it is told as created and deleted again.
            kinds = [event["type"] for event in caused]
            pairs = len(kinds) // 2
            if order.method != "create" or kinds != ["create", "delete"] * pairs:
                self.wrong(f"failed and was told: {order}", *caused)
        if order.token and not order.succeeded and not order.is_uncertain and not self._starts(order.token):
            began = self.testimonies.get(order.token, NOTHING).began
            if began:
                self.wrong(f"failed and ran: {order}", *caused)
        return None

    def _starts(self, token: str) -> bool:
        """Whether another order for the same process succeeded."""
        return any(order.succeeded and order.method != "create" for order in self.of_token[token])

    # Containers

    def _lives(self, id: str, events: list[dict[str, Any]]) -> None:
        life: list[dict[str, Any]] = []
        for event in events:
            if event["type"] == "create" and life:
                self.wrong(f"{id}: created twice", *life, event)
                life = []
            if event["type"] != "create" and not life:
                self.wrong(f"{id}: told of what was not created", event)
                continue
            life.append(event)
            if event["type"] == "delete":
                Biography(self, id, life).check()
                life = []
        if life:
            self.wrong(f"{id}: never deleted", *life)


class Biography:
    """One life of a container, from create to delete."""

    def __init__(self, account: Account, id: str, events: list[dict[str, Any]]):
        self.account, self.id, self.events = account, id, events
        self.token: str | None = None
        self.started: dict[str, Any] | None = None
        self.exit: dict[str, Any] | None = None
        # Further processes that run: the token and the event of each.
        self.running: dict[str, tuple[str | None, dict[str, Any]]] = {}

    def check(self) -> None:
        self.account.counts["lives"] += 1
        for event in self.events:
            match event["type"]:
                case "create":
                    self.token = self.account.token_of.get(event.get("request_id"))
                case "start":
                    self._expect(self.started is None and self.exit is None, "started twice", event)
                    self.started = event
                case "exec":
                    self._exec(event)
                case "exec_exit":
                    self._exec_exit(event)
                case "exit":
                    self._exit(event)
                case "pause" | "resume" | "restore" | "update":
                    self._expect(self.exit is None, f"{event['type']} after the exit", event)
                case "delete":
                    self._delete(event)

    def _expect(self, holds: bool, text: str, event: dict[str, Any]) -> None:
        if not holds:
            self.account.wrong(f"{self.id}: seq {event['seq']}: {text}; the whole life:", *self.events)

    def _exec(self, event: dict[str, Any]) -> None:
        self._expect(self.started is not None and self.exit is None, "a process in what does not run", event)
        self._expect(event["process"] not in self.running, "a process that runs was told to begin", event)
        self.running[event["process"]] = (self.account.token_of.get(event.get("request_id")), event)

    def _exec_exit(self, event: dict[str, Any]) -> None:
        token, begun = self.running.pop(event["process"], (None, None))
        self._expect(begun is not None, "the exit of a process that did not run", event)
        self._expect(self.exit is None, "a process's exit after the container's", event)
        if begun:
            self._expect(begun["pid"] == event["pid"], "the exit of another pid", event)
            self._code(token, event)

    def _exit(self, event: dict[str, Any]) -> None:
        self._expect(self.exit is None, "a second exit", event)
        self._expect(self.started is not None, "an exit of what did not start", event)
        self._expect(not self.running, f"an exit before those of {list(self.running)}", event)
        self.exit = event
        self._code(self.token, event)

    def _delete(self, event: dict[str, Any]) -> None:
        if self.started:
            self._expect(self.exit is not None, "deleted without an exit", event)
        else:
            began = self.account.testimonies.get(self.token or "", NOTHING).began
            if not began or self.token in self.account.started:
                return
            uncertain = any(order.is_uncertain for order in self.account.of_token[self.token or ""])
            self._expect(uncertain, "it ran, and its start was not told", event)
            self.account.counts["ran, and nobody could say so"] += 1

    def _code(self, token: str | None, event: dict[str, Any]) -> None:
        """What is told of an exit is what the process itself wrote."""
        exit, written = event["exit"], self.account.testimonies.get(token or "", NOTHING)
        counts = self.account.counts
        counts[f"{event['type']} {exit['reason']}"] += 1
        counts[f"exits observed by {exit['observed_by']}"] += 1
        if not exit["known"]:
            counts[f"{event['type']} with a code that nobody knows"] += 1
            self._expect(exit["code"] in (0xFFFFFFFF, 0x80000000), "an invented code", event)
            # The service outlives every worker and knows each code, but for one: of a process that was ended with its
            # container, by a worker that died when the service had forgotten both and the code was not kept yet.
            is_ended = written.codes in ([], [ASKED])
            is_lost = event["type"] == "exec_exit" and exit["reason"] == "terminated" and is_ended
            self._expect(is_lost, "a code that the service knows, and the worker does not", event)
        elif exit["reason"] == "exited" and exit["code"] not in (137, ASKED):
            self._expect(written.began == 1, f"{token} exited and wrote {written}", event)
            self._expect(written.codes == [exit["code"]], f"{token} wrote {written}", event)
        else:
            counts["ended by a signal or by force"] += 1
            self._expect(exit["code"] in (137, ASKED, *written.codes), f"{token} wrote {written}", event)
