"""The lives of one container id, drawn at random: what a scheduler asks for, one life after another."""

from __future__ import annotations

import itertools
import random
from typing import Any

from order import Order
from scheduler import Life, Scheduler
from witness import Plan, Witness

SIGNALS = ["TERM", "KILL", 15, 9]
# The names of further processes: few, so that they are used again.
NAMES = ["p1", "p2", "p3"]
# Seconds between two requests, in the middle.
PACE = 0.25


class Lives:
    """One container id and everything that is asked of it; the same seed asks for the same."""

    def __init__(self, scheduler: Scheduler, witness: Witness, id: str, seed: str, *, longest: float):
        self.scheduler, self.witness, self.id, self.longest = scheduler, witness, id, longest
        self.random = random.Random(f"{seed}/{id}")
        self.tokens = itertools.count(1)
        self.lives = 0
        # What each token was to do.
        self.plans: dict[str, Plan] = {}

    def play(self) -> Life:
        """Lives, until the scheduler is told to end."""
        yield self.random.uniform(0.0, 4 * PACE)
        while not self.scheduler.ending.is_set():
            self.lives += 1
            yield from self.life()
            yield from self.forget()

    def ask(self, method: str, *, token: str | None = None, once: bool = True, **params: Any) -> Order:
        return self.scheduler.ask(method, token=token, once=once, id=self.id, **params)

    def rest(self) -> float:
        return self.random.uniform(0.0, 2 * PACE)

    # The beginning

    def plan(self, spans: list[float]) -> Plan:
        token = f"{self.id}.{next(self.tokens)}"
        draw = self.random
        plan = Plan(token, min(draw.choice(spans), self.longest), draw.choice([0, 1, 3, 42, 125]), draw.random() < 0.3)
        self.plans[token] = plan
        return plan

    def create(self, start: bool) -> Order:
        plan = self.plan([0, 0.02, 0.3, 2, 60, 60, 60])
        arguments = self.witness.arguments(self.id, "init", plan)
        if self.random.random() < 0.05:
            arguments = ["/no/such/program"]
        profile = {"profile": "hyperv"} if self.random.random() < 0.4 else {}
        spec = {"process": {"args": arguments}}
        return self.ask("create", token=plan.token, spec=spec, start=start, **profile)

    def life(self) -> Life:
        draw = self.random
        if draw.random() < 0.7:
            created = self.create(True)
            started = created
            # Now and then someone else wants the same id at the same time.
            rivals = [self.create(True)] if draw.random() < 0.08 else []
            yield [created, *rivals]
        else:
            created = self.create(False)
            if draw.random() < 0.5:
                yield [created]
                yield self.rest()
                if draw.random() < 0.2:
                    # One that never runs.
                    yield [self.ask("delete", force=True)]
                    return
            started = self.ask("start", token=created.token)
            yield [created, started]
        if not started.succeeded:
            return
        outlook = self.ask("wait", once=False) if draw.random() < 0.5 else None
        for _ in range(draw.randrange(0, 7)):
            if self.scheduler.ending.is_set():
                break
            yield self.rest()
            yield from self.deed()
        yield self.rest()
        yield from self.end()
        if outlook:
            yield [outlook]

    # The middle

    def deed(self) -> Life:
        """One thing that is done with a container, or two at once."""
        draw = self.random
        deeds = [self.exec, self.exec, self.exec, self.pause, self.update, self.look, self.signal_process]
        orders = draw.choice(deeds)()
        if draw.random() < 0.15:
            orders += draw.choice(deeds)()
        yield orders
        if orders[0].method == "pause" and orders[0].succeeded:
            yield self.rest()
            yield [self.ask("resume")]

    def exec(self) -> list[Order]:
        plan, name = self.plan([0, 0, 0.02, 0.1, 0.5, 60]), self.random.choice(NAMES)
        arguments = self.witness.arguments(self.id, name, plan)
        return [self.ask("exec", token=plan.token, process=name, spec={"args": arguments})]

    def pause(self) -> list[Order]:
        return [self.ask("pause")]

    def update(self) -> list[Order]:
        return [self.ask("update", resources={"memory": {"limit": self.random.choice([1, 2]) << 30}})]

    def look(self) -> list[Order]:
        return [self.ask("state", once=False), self.ask("summary", once=False)]

    def signal_process(self) -> list[Order]:
        return [self.ask("signal_process", process=self.random.choice(NAMES), signal=self.random.choice(SIGNALS))]

    # The end

    def end(self) -> Life:
        """The container ends, by itself or because someone wants it to."""
        way = self.random.choice(["stop", "stop", "signal", "delete", "terminate"])
        if way == "stop":
            yield [self.ask("stop", grace_ms=self.random.choice([0, 50, 500]))]
        elif way == "signal":
            yield [self.ask("signal", signal=self.random.choice(SIGNALS)), self.ask("stop", grace_ms=3000)]
        elif way == "delete":
            # Two at once: one of them comes second.
            again = [self.ask("delete", force=True)] if self.random.random() < 0.2 else []
            yield [self.ask("delete", force=True), *again]
        else:
            yield [self.ask("stop", grace_ms=0), self.ask("stop", grace_ms=0)]

    def forget(self) -> Life:
        """Nothing is left: the next life begins with a free id."""
        while True:
            force = self.random.random() < 0.5
            deleted = self.ask("delete", force=force)
            yield [deleted]
            if deleted.succeeded or deleted.code == "not_found":
                return
            if not force:
                yield [self.ask("stop", grace_ms=0)]
            yield self.rest()
