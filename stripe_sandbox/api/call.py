"""One API request as the endpoints see it."""

from collections.abc import Callable
from typing import NamedTuple

from stripe_sandbox.backend import Backend
from stripe_sandbox.forms import Params
from stripe_sandbox.objects.details import Json


class Call(NamedTuple):
    """`path` holds the ids in the address; `url` is the address itself, as lists repeat it."""

    backend: Backend
    params: Params
    path: dict[str, str]
    url: str


Handler = Callable[[Call], Json]
