"""A filter of log records that takes the words of unexpected exceptions out where prompts are.

An exception names the value that it was raised for: `KeyError: 'Dear Ms Doe'`. Where requests and
answers are handled, that can be a part of one. The places and kinds of the exceptions stay, and of
their words what an upstream's may keep too.
"""

import logging
import traceback

from gateway.formats.quotations import without_quotations

# asyncio and uvicorn log what nobody has caught.
_LOGGERS = ("gateway.http", "gateway.pipeline", "gateway.reply", "asyncio", "uvicorn.error")
# Django logs what its views have not caught, and some receive prompts.
_PATHS = ("/developers/console", "/demo")


class ExceptionWords(logging.Filter):
    """Replaces a record's exception by the text of its stack, with known words only."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; every record is logged."""
        path = getattr(getattr(record, "request", None), "path", "")
        if not (record.name.startswith(_LOGGERS) or path.startswith(_PATHS)):
            return True
        if record.name == "asyncio":  # it adds the representation of a task, with its exception
            record.msg, record.args = record.getMessage().partition("\n")[0], ()
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = _stack_of(record.exc_info[1])
            record.exc_info = None
        return True


def _stack_of(error: BaseException) -> str:
    """The stack of an exception, after those of the exceptions that led to it."""
    stacks: list[str] = []
    seen: set[int] = set()
    follows: BaseException | None = error
    while follows is not None and id(follows) not in seen:
        seen.add(id(follows))
        stacks.append(_one_stack(follows))
        follows = follows.__cause__ or (
            None if follows.__suppress_context__ else follows.__context__
        )
    return "\nwhich led to\n".join(reversed(stacks))


def _one_stack(error: BaseException) -> str:
    places = "".join(traceback.format_tb(error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, BaseExceptionGroup):
        inner = "\n".join(_stack_of(one) for one in error.exceptions)
        return f"{places}{name} of\n{inner}"
    return f"{places}{name}: {without_quotations(str(error), b'')}"
