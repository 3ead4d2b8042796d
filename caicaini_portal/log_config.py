"""The format of log lines: JSON objects in production, readable text in development."""

from typing import Any


def logging_config(*, json: bool, level: str) -> dict[str, Any]:
    """Return the dictConfig for the whole process; line breaks inside a record stay escaped."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "caicaini_portal.log_redaction.Json",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
                "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
            },
            "readable": {
                "()": "caicaini_portal.log_redaction.Readable",
                "fmt": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
            },
        },
        "filters": {
            "outage": {"()": "caicaini_portal.outage_log_filter.OutageLogFilter"},
            "exception_words": {"()": "caicaini_portal.exception_words.ExceptionWords"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["outage", "exception_words"],
                "formatter": "json" if json else "readable",
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        # Django's own configuration adds handlers of its own to these two; ours is enough.
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # So does uvicorn's, before it loads us. Its access log would cost a formatted line per
            # request as soon as a handler takes it; the gateway and Django log what matters. Its
            # warnings are about clients that do not send HTTP.
            "uvicorn": {"handlers": [], "propagate": True, "level": "ERROR"},
            "uvicorn.access": {"handlers": [], "propagate": False},
            "stripe": {"level": "WARNING"},  # at INFO it writes two lines per request
        },
    }
