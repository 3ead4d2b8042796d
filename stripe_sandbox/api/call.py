"""One API request, as handlers receive it."""

from collections.abc import Callable
from typing import NamedTuple

from stripe_sandbox.backend import Backend
from stripe_sandbox.forms import Params
from stripe_sandbox.objects.details import Json


class Call(NamedTuple):
    """`path` holds the ids in the URL's path; `url` is the path itself, which lists repeat."""

    backend: Backend
    params: Params
    path: dict[str, str]
    url: str


Handler = Callable[[Call], Json]
