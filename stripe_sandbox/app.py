"""The application: API, pages and control over one backend, with its two background loops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from stripe_sandbox.api import routes as api_routes
from stripe_sandbox.api.endpoint import Api
from stripe_sandbox.api.outage import Outages
from stripe_sandbox.backend import Backend, open_backend
from stripe_sandbox.control import routes as control_routes
from stripe_sandbox.flows import agenda
from stripe_sandbox.pages import routes as page_routes
from stripe_sandbox.settings import Settings

_AGENDA_EVERY_S = 0.5


def build(settings: Settings, outages: Outages) -> Starlette:
    """Call this in the event loop that serves the app: the store is bound to its thread."""
    backend = open_backend(settings)
    api = Api(backend, outages)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(backend.sender.run()),
            asyncio.create_task(_run_agenda(backend)),
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        backend.store.close()

    routes = [
        *api_routes.routes(api),
        *page_routes.routes(backend),
        *control_routes.routes(backend, api, outages),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _run_agenda(backend: Backend) -> None:
    while True:
        with backend.store.transaction():
            done = agenda.run(backend)
        if done:
            backend.sender.wake()
        await asyncio.sleep(_AGENDA_EVERY_S)
