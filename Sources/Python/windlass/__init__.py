"""Client of the windlass container worker: `Client` blocks, `AsyncClient` is for asyncio."""

from .client import AsyncClient as AsyncClient
from .client import Client as Client
from .records import *  # noqa: F403
