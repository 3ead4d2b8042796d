"""Pages as HTTP responses, with the headers that keep them shut."""

from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from stripe_sandbox.pages.html import Markup, fill


def page(
    title: str, body: Markup, *, status: int = 200, form_targets: tuple[str | None, ...] = ()
) -> HTMLResponse:
    """`form_targets`: addresses that a form may lead to, because browsers check redirects too."""
    document = fill("document", title=title, body=body)
    return HTMLResponse(document, status, _headers(form_targets))


def _headers(form_targets: tuple[str | None, ...]) -> dict[str, str]:
    origins = sorted({_origin(url) for url in form_targets if url})
    policy = [
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        " ".join(["form-action", "'self'", *origins]),
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
