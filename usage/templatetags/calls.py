"""Rows of the log of calls, written here because templates take ten times as long for fifty."""

from collections.abc import Iterable
from datetime import UTC

from django import template
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from usage.models import Ending
from usage.records import Record
from usage.request_log import LoggedCall, LogRow
from web.templatetags.display import (
    credits,
    dollars,
    grouped,
    in_words,
    last_part,
    percent,
    request_id,
    run_duration,
)
from web.templatetags.icons import icon

register = template.Library()

_NONE = "\N{EN DASH}"
_ROW = """<tr>
<th scope="row" class="log-time"><a class="row-link nowrap" href="{address}">\
<time datetime="{at}"><span class="soft">{day}</span> {time}</time></a></th>
<td class="log-status">{outcome}{refusals}</td>
<td class="log-model">{model}</td>
<td class="log-key">{key}</td>
<td class="end log-in">{tokens_in}</td>
<td class="end log-wide">{cached}</td>
<td class="end log-out">{tokens_out}</td>
<td class="end nowrap log-first">{first_byte}</td>
<td class="end nowrap log-total">{total}</td>
<td class="end strong log-credits" data-label="Credits">{credits}</td>
<td class="end soft log-dollars">{dollars}</td>
</tr>
"""
_OUTCOME = (
    '<span class="outcome outcome-{}">{} <span><span class="number">{}</span>'
    ' <span class="soft">{}</span></span></span>'
)


@register.simple_tag
def log_rows(rows: Iterable[LogRow]) -> SafeString:
    """Write the rows of the table of calls."""
    place = reverse("usage:request", args=["-"]).removesuffix("-")  # slow, so once
    return mark_safe("".join(_row(row, place) for row in rows))  # noqa: S308 (escaped, or ours)


@register.simple_tag
def outcome(call: LoggedCall | Record, *, is_short: bool = False) -> SafeString:
    """Write how a call ended: its status, and its error, ending or stop reason."""
    if call.error_type:
        kind, mark, words = "bad", "alert", call.error_type
    elif call.ending != Ending.COMPLETED:
        kind, mark, words = "warn", "info", in_words(call.ending)
    else:
        kind, mark, words = "good", "check", call.stop_reason or "completed"
        words += ", streamed" if call.is_stream and not is_short else ""
    return format_html(_OUTCOME, kind, icon(mark), call.status, words)


def _row(row: LogRow, place: str) -> str:
    """Write a row of HTML: what is not escaped here is, or is a number or a word of our own."""
    call = row.call
    at = call.accepted_at.astimezone(UTC)
    has_tokens = bool(call.all_input_tokens or call.output_tokens)
    cached, first_byte = call.cached_share, call.first_byte_ms
    return _ROW.format(
        address=place + request_id(call.id),
        at=at.isoformat(timespec="seconds"),
        day=f"{at.day} {at:%b}",
        time=f"{at:%H:%M:%S}",
        outcome=outcome(call, is_short=True),
        refusals=_refusals(call),
        model=conditional_escape(_model(call)),
        key=_key(row),
        tokens_in=grouped(call.all_input_tokens) if has_tokens else _NONE,
        cached=_NONE if cached is None else percent(cached),
        tokens_out=grouped(call.output_tokens) if has_tokens else _NONE,
        first_byte=_NONE if first_byte is None else run_duration(first_byte),
        total=run_duration(call.duration_ms),
        credits=credits(call.credits),
        dollars=dollars(call.credits, 5),
    )


def _refusals(call: LoggedCall) -> str:
    if (call.refusals or 1) == 1:
        return ""
    return format_html(
        ' <span class="badge">\N{MULTIPLICATION SIGN} {}</span>', grouped(call.refusals or 1)
    )


def _model(call: LoggedCall) -> str:
    """Return the last part of its name; its owner is on the receipt."""
    answered = last_part(call.resolved_model or call.requested_model) or _NONE
    if not call.resolved_model or call.requested_model == call.resolved_model:
        return answered
    asked = last_part(call.requested_model)
    return format_html('<span class="soft">{} →</span> {}', asked, answered)


def _key(row: LogRow) -> SafeString:
    if row.key_name:
        return format_html("<bdi>{}</bdi>", row.key_name)
    words = "A deleted key" if row.call.key_id else "Console"
    return format_html('<span class="soft">{}</span>', words)
