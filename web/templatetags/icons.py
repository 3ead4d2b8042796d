"""Small line icons beside text; screen readers skip them."""

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Paths on a 20 x 20 grid, drawn with a round pen.
_PATHS = {
    "alert": "M10 6.5v4.5M10 13.8v.1M10 2.5 18 16.5H2z",
    "arrow": "M4 10h12M11 5l5 5-5 5",
    "back": "M16 10H4M9 5l-5 5 5 5",
    "book": "M3.5 4.5c2.5-1 4.5-.6 6.5.8 2-1.4 4-1.8 6.5-.8v11c-2.5-1-4.5-.6-6.5.8"
    "-2-1.4-4-1.8-6.5-.8zM10 5.3v11",
    "chart": "M3.5 3.5v13h13M7 13.5v-3M10.5 13.5v-7M14 13.5v-5",
    "check": "M4 10.5 8.2 15 16 5.5",
    "chevron": "M5 7.5 10 12.5l5-5",
    "clock": "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 1 0 0-15M10 6v4.2l2.8 1.8",
    "close": "M5 5l10 10M15 5 5 15",
    "coins": "M10 3.5c3.6 0 6.5 1.2 6.5 2.8S13.6 9 10 9 3.5 7.9 3.5 6.3 6.4 3.5 10 3.5z"
    "M3.5 6.3v7.4c0 1.6 2.9 2.8 6.5 2.8s6.5-1.2 6.5-2.8V6.3"
    "M3.5 10c0 1.6 2.9 2.8 6.5 2.8s6.5-1.2 6.5-2.8",
    "columns": "M3 4h14v12H3zM10 4v12",
    "copy": "M7.5 7.5h9v9h-9zM12.5 7.5v-4h-9v9h4",
    "dots": "M4.5 10h.1M10 10h.1M15.5 10h.1",
    "down": "M10 4v12M5 11l5 5 5-5",
    "file": "M5 2.5h6.5L15.5 6.5v11H5zM11.5 2.5v4h4",
    "flag": "M5 17.5v-14M5 4h9.5l-2 3.5 2 3.5H5",
    "gear": "M4 6h6M14 6h2M4 14h2M10 14h6"
    "M10 6a2 2 0 1 0 4 0 2 2 0 1 0-4 0M6 14a2 2 0 1 0 4 0 2 2 0 1 0-4 0",
    "image": "M3 4h14v12H3zM3 13.5l4-4 4 4 2.5-2.5 3.5 3.5M13 7.5h.1",
    "info": "M10 9v5M10 6.1v.1M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 1 0 0-15",
    "key": "M7 9.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 1 0 0-7M9.5 10.5l7-7M13.5 6.5l2.5 2.5",
    "link": "M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1"
    "M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1",
    "list": "M7.5 5h9M7.5 10h9M7.5 15h9M3.5 5h.1M3.5 10h.1M3.5 15h.1",
    "mail": "M2.5 5h15v10.5h-15zM2.5 5.5 10 11l7.5-5.5",
    "moon": "M16.5 11.8A7 7 0 1 1 8.2 3.5a5.6 5.6 0 0 0 8.3 8.3z",
    "out": "M12 4H4v12h8M8.5 10H17M14 6.5l3.5 3.5-3.5 3.5",
    "play": "M6 4l9.5 6L6 16z",
    "plus": "M10 4v12M4 10h12",
    "search": "M9 3.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 1 0 0-11M13.2 13.2l3.8 3.8",
    "share": "M7.2 9l5.4-3M7.2 11l5.4 3M5 8a2 2 0 1 0 0 4 2 2 0 1 0 0-4"
    "M14.8 3a2 2 0 1 0 0 4 2 2 0 1 0 0-4M14.8 13a2 2 0 1 0 0 4 2 2 0 1 0 0-4",
    "stop": "M5.5 5.5h9v9h-9z",
    "sun": "M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 1 0 0-7"
    "M10 1.8v1.7M10 16.5v1.7M1.8 10h1.7M16.5 10h1.7"
    "M4.2 4.2l1.2 1.2M14.6 14.6l1.2 1.2M4.2 15.8l1.2-1.2M14.6 5.4l1.2-1.2",
    "terminal": "M3.5 5.5 8 10l-4.5 4.5M10.5 15h6",
    "trash": "M4 5.5h12M8 5V3h4v2M5.5 5.5l.8 11.5h7.4l.8-11.5M8.5 8.5v5.5M11.5 8.5v5.5",
    "up": "M10 16V4M5 9l5-5 5 5",
    "wrench": "M12.2 3.2a4.2 4.2 0 0 0-4 5.6L3.4 13.6a2 2 0 0 0 2.9 2.9l4.9-4.8"
    "a4.2 4.2 0 0 0 5.4-5.2l-2.5 2.4-2.3-.6-.6-2.3z",
}


@register.simple_tag
def icon(name: str, css_class: str = "") -> SafeString:
    """Draw the icon `name`."""
    return format_html(
        '<svg class="icon {}" viewBox="0 0 20 20" fill="none" stroke="currentColor"'
        ' stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        '<path d="{}"/></svg>',
        css_class,
        mark_safe(_PATHS[name]),  # noqa: S308 (a constant above)
    )


@register.simple_tag
def icon_symbols(*names: str) -> SafeString:
    """Define icons as symbols, for scripts that draw them with `<use href="#icon-NAME">`."""
    return format_html_join("", '<symbol id="icon-{}">{}</symbol>', ((n, _path(n)) for n in names))


def _path(name: str) -> SafeString:
    return format_html(
        '<path fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"'
        ' stroke-linejoin="round" d="{}"/>',
        mark_safe(_PATHS[name]),  # noqa: S308 (a constant above)
    )
