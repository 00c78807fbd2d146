"""A scheduler that never gives up: every request is sent again, the same, until it has its answer."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Generator
from typing import Any

import zmq
from zmq.utils.monitor import recv_monitor_message

from order import Order
from stage import Fault, Stage
from wire import Dealer, Reply, parse

# What a life waits for: orders that have to be answered, or seconds.
Life = Generator["list[Order] | float", None, None]


class Scheduler(threading.Thread):
    """Plays lives of containers over one DEALER, in a thread of its own."""

    # No answer is waited for longer than this.
    PATIENCE = 120.0

    def __init__(self, stage: Stage):
        super().__init__(name="scheduler", daemon=True)
        self.stage = stage
        self.orders: list[Order] = []
        self.ending = threading.Event()
        self.fault: BaseException | None = None
        self.connections = 0
        self._lives: list[Life] = []
        self._pending: dict[int, Order] = {}
        self._waiting: dict[int, tuple[Life, set[Order]]] = {}
        self._timers: list[tuple[float, int, Any]] = []
        self._numbers = itertools.count()
        self._dealer: Dealer | None = None
        self._monitor: zmq.Socket | None = None
        self._alive = 0

    def play(self, life: Life) -> None:
        """Adds a life, before the thread begins."""
        self._lives.append(life)

    def ask(self, method: str, *, token: str | None = None, once: bool = True, **params: Any) -> Order:
        """Sends a request; `once` gives it an id of its own."""
        order = Order(len(self.orders), method, params, token)
        if once:
            params["request_id"] = f"r{order.number}"
        self.orders.append(order)
        self._send(order)
        return order

    def unanswered(self) -> str:
        """What is waited for, for a person."""
        return "\n".join(str(order) for order in list(self._pending.values()))

    def run(self) -> None:
        try:
            self._connect()
            for life in self._lives:
                self._alive += 1
                self._advance(life)
            while self._alive:
                self._turn()
        except BaseException as fault:
            self.fault = fault
        finally:
            if self._dealer:
                self._disconnect()

    # Connections

    def _connect(self) -> None:
        self.connections += 1
        self._dealer = self.stage.dealer()
        self._dealer.socket.reconnect_ivl = 20
        self._monitor = self._dealer.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        unanswered = sorted(set(self._pending.values()), key=lambda order: order.number)
        self._pending = {}
        for order in unanswered:
            self._send(order)

    def _disconnect(self) -> None:
        self._dealer.socket.disable_monitor()
        self._monitor.close(0)
        self._dealer.close()

    # Messages

    def _send(self, order: Order) -> None:
        order.sent += 1
        self._pending[self._dealer.request(order.method, order.params)] = order

    def _turn(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, due = heapq.heappop(self._timers)
            if isinstance(due, Order):
                self._send(due)
            else:
                self._advance(due)
        poller = zmq.Poller()
        poller.register(self._dealer.socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        left = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else self.PATIENCE
        ready = dict(poller.poll(min(left, self.PATIENCE) * 1000 + 1))
        if self._dealer.socket in ready:
            self._receive()
        elif self._monitor in ready:
            # What had come has been read; what has no answer is asked again, in its order.
            recv_monitor_message(self._monitor)
            self._disconnect()
            self._connect()
        elif not ready and not self._timers and self._pending:
            raise Fault(f"no answer within {self.PATIENCE} s to:\n{self.unanswered()}")

    def _receive(self) -> None:
        for _ in range(100):
            try:
                frames = self._dealer.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            reply = parse(frames[-1])
            order = self._pending.pop(reply.msgid, None)
            if order is None:
                raise Fault(f"a reply to nothing that was asked: {reply}")
            self._settle(order, reply)

    def _settle(self, order: Order, reply: Reply) -> None:
        if reply.error is not None and reply.error["retryable"]:
            order.refusals.append(reply.error)
            order.refused_since = order.refused_since or time.monotonic()
            if time.monotonic() - order.refused_since > self.PATIENCE:
                raise Fault(f"refused without end: {order}")
            pause = reply.error.get("details", {}).get("retry_after_ms", 20) / 1000
            return heapq.heappush(self._timers, (time.monotonic() + pause, next(self._numbers), order))
        order.reply = reply
        for key, (life, orders) in list(self._waiting.items()):
            orders.discard(order)
            if not orders:
                del self._waiting[key]
                self._advance(life)
        return None

    # Lives

    def _advance(self, life: Life) -> None:
        """Goes on with a life until it waits for something."""
        for wish in life:
            if isinstance(wish, float):
                heapq.heappush(self._timers, (time.monotonic() + wish, next(self._numbers), life))
                return
            unanswered = {order for order in wish if order.reply is None}
            if unanswered:
                self._waiting[id(life)] = (life, unanswered)
                return
        self._alive -= 1
