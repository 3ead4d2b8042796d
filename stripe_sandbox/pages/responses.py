"""Pages as HTTP responses, with a strict content security policy."""

from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

from stripe_sandbox.pages.html import Markup, fill


def page(
    title: str, body: Markup, *, status: int = 200, form_targets: tuple[str | None, ...] = ()
) -> HTMLResponse:
    """`form_targets`: URLs that a form may redirect to, since the policy covers redirects."""
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
