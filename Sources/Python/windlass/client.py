"""The two clients."""

import asyncio
import concurrent.futures
import contextlib
import functools
import threading
from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

import zmq.asyncio

from .connection import Commands, Key, Keys
from .records import Cancelled, Completed, Container, Event, Exit, Gap, InvalidArgument, Output, Unavailable
from .streams import EventFeed, OutputStream

P = ParamSpec("P")
T = TypeVar("T")


class AsyncClient(contextlib.AbstractAsyncContextManager["AsyncClient"]):
    """Speaks to one worker. On Windows it needs an `asyncio.SelectorEventLoop`.

    A call outlives the connection: it is sent again when the worker is back, and after a `retryable` failure, for
    `timeout` seconds (by default 30, or 300 for what waits in a container's queue; `wait` and `stop` have none). What
    changes something carries a `request_id`, yours or a random one, so that the worker runs it once. A worker on
    another host needs `server_keys` (Z85, hexadecimal or files; several while its key changes) and a secret file `key`.
    """

    def __init__(self, commands: str, *, events: str = "", server_keys: Sequence[Key] = (), key: Key | None = None):
        self._keys, self._events = Keys(server_keys, key), events
        self._commands = Commands(zmq.asyncio.Context(), commands, self._keys)
        self._feeds: list[EventFeed] = []

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends every call and every iteration that is under way with `Cancelled`."""
        for link in (self._commands, *self._feeds):
            link.close()
            if link.task:
                await asyncio.wait([link.task])
        self._commands.context.destroy(0)

    async def call(self, /, method: str, *, timeout: float | None = None, **params: Any) -> Any:
        """Calls any method of the protocol."""
        return await self._commands.call(method, params, timeout)

    async def create(self, /, id: str, spec: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """Creates a container and starts it; `options`: `profile`, `start`, `stdin`, `labels`, `auto_remove`, ..."""
        return dict(await self.call("create", id=id, spec=spec or {}, **options))

    async def exec(self, /, id: str, process: str, args: Sequence[str], **options: Any) -> int:
        """Starts a further process called `process`, and gives its pid."""
        spec = {**options.pop("spec", {}), "args": [*args]}
        return int((await self.call("exec", id=id, process=process, spec=spec, **options))["pid"])

    async def wait(self, /, id: str, process: str = "init", **options: Any) -> Exit:
        """Waits until a process has exited, over restarts of the worker too."""
        return Exit.of((await self.call("wait", id=id, process=process, **options))["exit"])

    async def stop(self, /, id: str, **options: Any) -> Exit:
        """Asks a container to end, and ends it by force after `grace_ms`."""
        return Exit.of((await self.call("stop", id=id, **options))["exit"])

    async def delete(self, /, id: str, **options: Any) -> None:
        """Forgets a stopped container; with `force=True` one that runs is ended first."""
        await self.call("delete", id=id, **options)

    async def state(self, /, id: str, **options: Any) -> Container:
        return Container.of(await self.call("state", id=id, **options))

    async def containers(self, /, **filters: Any) -> list[Container]:
        """All containers, or those with the `labels` or in the `states` that are given."""
        pages = [await self.call("list", **filters)]
        while "next" in pages[-1]:
            pages.append(await self.call("list", **filters, after=pages[-1]["next"]))
        return [Container.of(record) for page in pages for record in page["containers"]]

    async def output(
        self, id: str, process: str = "init", *, start: str | int = "start", lossless: bool = False
    ) -> OutputStream:
        """What a process writes from an offset, "start" or "now" on; after a reconnection it goes on where it was.

        With `lossless` the process waits where the reader is behind, unless it is behind for too long.
        """
        return await OutputStream(self._commands, id, process, start, lossless).attach()

    async def events(self, *, after: int | None = None, snapshots: bool = False, timeout: float = 30) -> EventFeed:
        """Every event from now on, or after the number `after`. Close the feed when it is not needed any more."""
        if not self._events:
            raise InvalidArgument("the client needs `events`, the worker's event endpoint")
        feed = EventFeed(self._commands, self._events, self._keys, after, snapshots)
        self._feeds = [each for each in self._feeds if not isinstance(each.failure, Cancelled)] + [feed]
        try:
            async with asyncio.timeout(timeout):
                return await feed.begin()
        except BaseException as error:
            feed.close()
            if not isinstance(error, TimeoutError):
                raise
            text = f"no welcome from {self._events}; is it the event endpoint of a worker that runs?"
            raise feed.trouble or Unavailable(text, True) from None

    async def run(self, /, id: str, args: Sequence[str], *, limit: int = 8 << 20, **options: Any) -> Completed:
        """Creates a container, follows its output to the end (`limit` bytes are kept) and gives its exit."""
        spec = options.pop("spec", {})
        await self.create(id, {**spec, "process": {**spec.get("process", {}), "args": [*args]}}, **options)
        kept, dropped = {"stdout": bytearray(), "stderr": bytearray()}, 0
        async for piece in await self.output(id):
            data = piece.data[: limit - sum(map(len, kept.values()))]
            dropped += piece.dropped + len(piece.data) - len(data)
            kept[piece.stream] += data
        return Completed(await self.wait(id), bytes(kept["stdout"]), bytes(kept["stderr"]), dropped)


def _sync(of: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]) -> Callable[Concatenate["Client", P], T]:
    @functools.wraps(of)
    def blocking(self: "Client", /, *args: P.args, **options: P.kwargs) -> T:
        return self._run(of(self._client, *args, **options))

    return blocking


class Client(contextlib.AbstractContextManager["Client"]):
    """An `AsyncClient` for programs without asyncio, in a thread of its own. Any number of threads may call it."""

    def __init__(self, commands: str, *, events: str = "", server_keys: Sequence[Key] = (), key: Key | None = None):
        self._client = AsyncClient(commands, events=events, server_keys=server_keys, key=key)
        self._runner, self._end = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop), asyncio.Event()
        self._loop, self._lock, self._closed = self._runner.get_loop(), threading.Lock(), False
        self._thread = threading.Thread(target=self._serve, name="windlass-client", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._runner:
            self._runner.run(self._end.wait())
            self._runner.run(self._client.close())

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every call and every iteration that is under way, in any thread, with `Cancelled`."""
        with self._lock:
            if not self._closed:
                self._loop.call_soon_threadsafe(self._end.set)
            self._closed = True
        self._thread.join()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._closed:
                coroutine.close()
                raise Cancelled("the client was closed")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Cancelled("the client was closed") from None
        finally:
            future.cancel()

    def _iterate(self, source: Any) -> Generator[Any, None, None]:
        def items() -> Generator[Any, None, None]:
            try:
                yield  # from here on the end of the generator closes the source
                with contextlib.suppress(StopAsyncIteration):
                    while True:
                        yield self._run(source.__anext__())
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(source.close)

        next(begun := items())
        return begun

    call, create, exec = _sync(AsyncClient.call), _sync(AsyncClient.create), _sync(AsyncClient.exec)
    wait, stop, delete = _sync(AsyncClient.wait), _sync(AsyncClient.stop), _sync(AsyncClient.delete)
    state, containers, run = _sync(AsyncClient.state), _sync(AsyncClient.containers), _sync(AsyncClient.run)

    def output(
        self, id: str, process: str = "init", *, start: str | int = "start", lossless: bool = False
    ) -> Generator[Output, None, None]:
        """See `AsyncClient.output`."""
        return self._iterate(self._run(self._client.output(id, process, start=start, lossless=lossless)))

    def events(self, *, after: int | None = None, **options: Any) -> Generator[Event | Gap, None, None]:
        """See `AsyncClient.events`."""
        return self._iterate(self._run(self._client.events(after=after, **options)))
