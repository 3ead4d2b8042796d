"""What a refusal shows of its upstream's habits, so that the call is made otherwise.

The calls of the same workspace remember it until the catalogue changes. So a rule is learned only
where the call at hand breaks it.
"""

from catalogue.snapshot import UpstreamRow
from gateway.errors import Refusal, UpstreamRefused
from gateway.formats.messages import thinking
from gateway.request.parse import MessagesRequest

# Of the refusals, those that tell a habit of the server.
TEACHING = frozenset(Refusal) - {Refusal.OTHER, Refusal.PROMPT, Refusal.MAX_TOKENS}


def learns(error: UpstreamRefused, request: MessagesRequest, upstream: UpstreamRow) -> bool:
    """Whether the upstream wants the call otherwise than it was made; what it has `learned` is
    added to. False the second time."""
    learned = upstream.learned
    match error.refusal:
        case Refusal.SYSTEM_TURNS:
            is_new = upstream.system_turns != "user" and request.has_system_turns
            learned.refuses_system_turns |= is_new
        case Refusal.THINKING:
            is_new = thinking.is_unverified(request, learned.unverified)
        case Refusal.MISSING_THINKING:
            is_new = not learned.wants_thinking
            learned.wants_thinking = True
        case Refusal.FORCED_CALL:
            is_new = _learns_of_forced_calls(request, upstream)
        case Refusal.THINKING_OFF:
            is_new = _learns_of_thinking(request, upstream)
        case Refusal.USER_AFTER_TOOLS:
            is_new = upstream.takes_user_after_tools and _uses_tools(request)
            learned.refuses_user_after_tools |= is_new
        case Refusal.NOT_STREAMED:
            is_new = not learned.streams_only and not request.stream
            learned.streams_only |= is_new
        case Refusal.FIELD:
            is_new = _learns_of_field(error.field, request, upstream)
        case _:
            return False
    return is_new


def _learns_of_thinking(request: MessagesRequest, upstream: UpstreamRow) -> bool:
    is_new = request.switches_thinking_off and not upstream.learned.refuses_thinking_off
    upstream.learned.refuses_thinking_off |= is_new
    return is_new


def _learns_of_forced_calls(request: MessagesRequest, upstream: UpstreamRow) -> bool:
    """Thinking gives way to the call, unless the caller asked for both."""
    can_change = request.forces_a_call and not request.switches_thinking_on
    can_change = can_change and bool(upstream.habits.thinking_off)
    is_new = can_change and not upstream.learned.refuses_forced_calls
    upstream.learned.refuses_forced_calls |= is_new
    return is_new


def _learns_of_field(name: str, request: MessagesRequest, upstream: UpstreamRow) -> bool:
    if name in upstream.habits.thinking_off and request.switches_thinking_off:
        return _learns_of_thinking(request, upstream)  # other values may be welcome
    is_new = name not in upstream.learned.refused_fields
    upstream.learned.refused_fields.add(name)
    return is_new


def _uses_tools(request: MessagesRequest) -> bool:
    return "tools" in request.needs
