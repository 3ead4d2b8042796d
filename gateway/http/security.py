"""Security headers of all answers of the gateway; Django's middleware adds them to pages."""

from django.conf import settings


def _headers() -> dict[str, str]:
    headers = {"x-content-type-options": "nosniff"}
    if seconds := settings.SECURE_HSTS_SECONDS:
        parts = [f"max-age={seconds}"]
        if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
            parts.append("includeSubDomains")
        if settings.SECURE_HSTS_PRELOAD:
            parts.append("preload")
        headers["strict-transport-security"] = "; ".join(parts)
    return headers


HEADERS = _headers()
RAW_HEADERS = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
