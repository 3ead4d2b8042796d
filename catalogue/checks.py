"""`manage.py check`: whether the catalogue file can be loaded; it needs no database."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from catalogue import file
from catalogue.errors import CatalogueError

_FILE_ID = "catalogue.E001"


@register
def check_file(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """Read the file as `sync_catalogue` will."""
    try:
        file.read(settings.CATALOGUE)
    except CatalogueError as error:
        return [Error(str(error), id=_FILE_ID)]
    return []
