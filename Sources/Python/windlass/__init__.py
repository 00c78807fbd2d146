"""Client of the windlass container worker: `Client` blocks, `AsyncClient` is for asyncio."""

from .client import AsyncClient as AsyncClient
from .client import Client as Client
from .client import Stream as Stream
from .records import *  # noqa: F403
from .streams import EventFeed as EventFeed
from .streams import OutputStream as OutputStream
