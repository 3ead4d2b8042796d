"""All middleware runs in the view's thread; none switches to a thread and back by itself."""

import asyncio

import pytest
from django.http import HttpRequest
from django.test import AsyncClient
from django.utils.deprecation import MiddlewareMixin
from pytest_django.fixtures import Settings

called_asynchronously: list[bool] = []


class CallRecorder(MiddlewareMixin):
    """Records how it is called; like Django's own middleware, it can be called both ways."""

    def process_request(self, request: HttpRequest) -> None:
        called_asynchronously.append(self.async_mode)


@pytest.mark.parametrize("place", ["outermost", "innermost"])
def test_all_middleware_is_called_in_the_thread_of_the_view(settings: Settings, place: str) -> None:
    recorder, last = [f"{__name__}.CallRecorder"], len(settings.MIDDLEWARE) - 1
    at = 0 if place == "outermost" else last
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], *recorder, *settings.MIDDLEWARE[at:]]
    called_asynchronously.clear()

    answer = asyncio.run(AsyncClient().get("/healthz"))

    assert answer.status_code == 200
    assert called_asynchronously == [False]
