"""The two clients."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Self, TypeVar

import zmq.asyncio

from .connection import Commands, Key, Keys
from .records import Cancelled, Completed, Container, Exit, InvalidArgument, Item, Output, Unavailable
from .streams import EventFeed, OutputStream

P = ParamSpec("P")
T = TypeVar("T")
Start = Literal["start", "now"] | int
Recovery = Literal["events", "snapshot"]


class AsyncClient:
    """Speaks to one worker. On Windows it needs an `asyncio.SelectorEventLoop`.

    A call outlives the connection: it is sent again when the worker is back, and tried again after a `retryable` failure,
    for `timeout` seconds (by default 30, or 300 for what stands in a container's queue; `wait` and `stop` have none).
    What changes something carries a `request_id`, yours or a random one, so that the worker runs it once. A worker on
    another host needs `server_keys` (Z85, hexadecimal or files; several while it changes its key) and `key`, the secret
    file of the client.
    """

    def __init__(
        self, commands: str, *, events: str | None = None, server_keys: Sequence[Key] = (), key: Key | None = None
    ):
        self._keys, self._events, self._context = Keys(server_keys, key), events, zmq.asyncio.Context()
        self._commands = Commands(self._context, commands, self._keys)
        self._feeds: list[EventFeed] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call and every iteration that is under way with `Cancelled`."""
        for link in (self._commands, *self._feeds):
            await link.close()
        self._context.destroy(0)

    async def call(
        self, method: str, params: dict[str, Any] | None = None, /, *, timeout: float | None = None, retry: bool = True,
        **more: Any,
    ) -> Any:  # fmt: skip
        """Calls any method of the protocol. With `retry=False` there is one try, and the caller decides on another."""
        return await self._commands.call(method, {**(params or {}), **more}, timeout, retry)

    async def create(self, /, id: str, spec: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Creates a container and starts it; `options` are `profile`, `start`, `stdin`, `labels` and those of `call`."""
        return dict(await self.call("create", {"id": id, "spec": spec or {}}, **options))

    async def exec(self, /, id: str, process: str, args: Sequence[str], **options: Any) -> int:
        """Starts a further process called `process`, and gives its pid."""
        spec = {**options.pop("spec", {}), "args": [*args]}
        return int((await self.call("exec", {"id": id, "process": process, "spec": spec}, **options))["pid"])

    async def wait(self, /, id: str, process: str = "init", **options: Any) -> Exit:
        """Waits until a process has exited, over restarts of the worker too."""
        return Exit.of((await self.call("wait", {"id": id, "process": process}, **options))["exit"])

    async def stop(self, /, id: str, *, grace: float = 10, **options: Any) -> Exit:
        """Asks a container to end, and ends it by force after `grace` seconds."""
        return Exit.of((await self.call("stop", {"id": id, "grace_ms": round(grace * 1000)}, **options))["exit"])

    async def delete(self, /, id: str, *, force: bool = False, **options: Any) -> None:
        """Forgets a stopped container; with `force` one that runs is ended first."""
        await self.call("delete", {"id": id, "force": force}, **options)

    async def state(self, /, id: str, **options: Any) -> Container:
        """A container's record."""
        return Container.of(await self.call("state", {"id": id}, **options))

    async def containers(self, /, **filters: Any) -> list[Container]:
        """The records of all containers, or of those with the `labels` or in the `states` that are given."""
        pages = [await self.call("list", filters)]
        while "next" in pages[-1]:
            pages.append(await self.call("list", filters, after=pages[-1]["next"]))
        return [Container.of(record) for page in pages for record in page["containers"]]

    async def output(self, id: str, process: str = "init", *, start: Start = "start") -> OutputStream:
        """What a process writes, from the oldest that is kept or an offset on; after a reconnection it goes on there."""
        return await OutputStream(self._commands, id, process, start).attach()

    async def events(
        self, *, after: int | None = None, recovery: Recovery = "events", timeout: float = 30
    ) -> EventFeed:
        """Every event from now on, or after the number `after`. Close the feed when it is not needed any more."""
        if self._events is None:
            raise InvalidArgument("the client needs `events`, the worker's event endpoint")
        feed = EventFeed(self._context, self._events, self._keys, self._commands, after, recovery)
        self._feeds.append(feed)
        try:
            async with asyncio.timeout(timeout):
                await feed.begin()
        except BaseException as error:
            await feed.close()
            if not isinstance(error, TimeoutError):
                raise
            text = f"no welcome from {self._events}; is it the event endpoint of a worker that runs?"
            raise feed.trouble or Unavailable(text, retryable=True) from None
        return feed

    async def run(
        self, /, id: str, args: Sequence[str], *, spec: dict[str, Any] | None = None, limit: int = 8 << 20, **options: Any
    ) -> Completed:
        """Creates a container, follows its output to the end (`limit` bytes are kept) and gives its exit."""
        process = {**(spec or {}).get("process", {}), "args": [*args]}
        await self.create(id, {**(spec or {}), "process": process}, **options)
        kept, dropped = {"stdout": bytearray(), "stderr": bytearray()}, 0
        async for piece in await self.output(id):
            data = piece.data[: limit - sum(map(len, kept.values()))]
            dropped += piece.dropped + len(piece.data) - len(data)
            kept[piece.stream] += data
        return Completed(await self.wait(id), bytes(kept["stdout"]), bytes(kept["stderr"]), dropped)


def _blocking(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(method)
    def blocking(self: Client, /, *args: P.args, **options: P.kwargs) -> T:
        return self._run(method(self._client, *args, **options))

    return blocking


class Stream(Iterator[T]):
    """Iterates over what an `AsyncClient` gives one by one."""

    def __init__(self, client: Client, source: Any):
        self._client, self._source = client, source

    def __next__(self) -> T:
        try:
            item: T = self._client._run(self._source.__anext__())
            return item
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Ends it."""
        self._client._run(self._source.close())


class Client:
    """An `AsyncClient` for programs without asyncio: it runs in a thread of its own. Any number of threads may call it."""

    def __init__(
        self, commands: str, *, events: str | None = None, server_keys: Sequence[Key] = (), key: Key | None = None
    ):
        self._client = AsyncClient(commands, events=events, server_keys=server_keys, key=key)
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="windlass-client", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every call and every iteration that is under way, in any thread, with `Cancelled`."""
        if not self._loop.is_closed():
            self._run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _close(self) -> None:
        await self._client.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            coroutine.close()
            raise Cancelled("the client was closed")
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Cancelled("the client was closed") from None
        finally:
            future.cancel()

    call, create, exec = _blocking(AsyncClient.call), _blocking(AsyncClient.create), _blocking(AsyncClient.exec)
    wait, stop, delete = _blocking(AsyncClient.wait), _blocking(AsyncClient.stop), _blocking(AsyncClient.delete)
    state, containers, run = _blocking(AsyncClient.state), _blocking(AsyncClient.containers), _blocking(AsyncClient.run)

    def output(self, id: str, process: str = "init", *, start: Start = "start") -> Stream[Output]:
        """What a process writes, from the oldest that is kept or an offset on; after a reconnection it goes on there."""
        return Stream(self, self._run(self._client.output(id, process, start=start)))

    def events(
        self, *, after: int | None = None, recovery: Recovery = "events", timeout: float = 30
    ) -> Stream[Item]:
        """Every event from now on, or after the number `after`. Close the feed when it is not needed any more."""
        return Stream(self, self._run(self._client.events(after=after, recovery=recovery, timeout=timeout)))
