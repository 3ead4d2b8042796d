"""Stripe's search query language, translated to SQL conditions.

Worked example: `email:"a@b.example" AND metadata["workspace"]:"42"`. Clauses are joined by AND or
by OR, never both; `:` tests equality, `~` a substring, `-` before a clause negates it, and numbers
also take `>`, `>=`, `<`, `<=`. The real search lags behind by up to a minute; this one does not.
"""

import re

from stripe_sandbox.api.call import Call
from stripe_sandbox.api.lists import limit_of
from stripe_sandbox.errors import InvalidRequest
from stripe_sandbox.objects.details import Json
from stripe_sandbox.store import Condition

_FIELDS = {
    "customer": ("email", "name", "phone", "created"),
    "charge": ("amount", "currency", "customer", "status", "created"),
    "payment_intent": ("amount", "currency", "customer", "status", "created"),
}
_CLAUSE = re.compile(
    r"""\s*(?P<negated>-?)(?P<field>\w+)(?:\[(?P<quote>["'])(?P<key>[^"'\[\]]+)(?P=quote)\])?"""
    r"""(?P<operator>:|~|>=|<=|>|<)(?P<value>"[^"]*"|'[^']*'|-?\d+|null)\s*"""
)
_JOINT = re.compile(r"(AND|OR)\s")


def search(call: Call, kind: str) -> Json:
    conditions = _parse(call.params.required("query"), kind)
    limit, page = limit_of(call), call.params.text("page")
    if page:
        conditions.append(Condition("position < ?", (int(page),)))
    found = call.backend.store.find(kind, conditions, limit=limit + 1)
    has_more = len(found) > limit
    return {
        "object": "search_result",
        "data": found[:limit],
        "has_more": has_more,
        "next_page": _position(call, found[limit - 1]) if has_more else None,
        "url": call.url,
    }


def _position(call: Call, obj: Json) -> str:
    rows = call.backend.store.rows("SELECT position FROM objects WHERE id = ?", obj["id"])
    return str(rows[0]["position"])


def _parse(query: str, kind: str) -> list[Condition]:
    clauses: list[Condition] = []
    joints: set[str] = set()
    at = 0
    while True:
        clause = _CLAUSE.match(query, at)
        if clause is None:
            raise _unreadable(query)
        clauses.append(_condition(clause, kind))
        if clause.end() == len(query):
            break
        joint = _JOINT.match(query, clause.end())
        if joint is None:
            raise _unreadable(query)
        joints.add(joint[1])
        at = joint.end()
    if len(joints) > 1:
        raise InvalidRequest("A query cannot combine AND and OR.", param="query")
    return _either(clauses) if joints == {"OR"} else clauses


def _either(clauses: list[Condition]) -> list[Condition]:
    sql = " OR ".join(f"({one.sql})" for one in clauses)
    return [Condition(sql, tuple(value for one in clauses for value in one.values))]


def _condition(clause: re.Match[str], kind: str) -> Condition:
    path, value = _path(clause, kind), _value(clause["value"])
    operator = clause["operator"]
    if operator == "~":
        sql, values = "instr(lower(json_extract(body, ?)), lower(?)) > 0", (path, value)
    elif operator == ":":
        sql, values = "json_extract(body, ?) IS ?", (path, value)
    else:
        sql, values = f"json_extract(body, ?) {operator} ?", (path, value)
    return Condition(f"NOT coalesce({sql}, 0)" if clause["negated"] else sql, values)


def _path(clause: re.Match[str], kind: str) -> str:
    field, key = clause["field"], clause["key"]
    if field == "metadata" and key:
        return f'$.metadata."{key}"'
    if key or field not in _FIELDS[kind]:
        raise InvalidRequest(
            f"Field `{field}` is an unsupported search field for resource `{kind}s`.",
            param="query",
        )
    return f"$.{field}"


def _value(text: str) -> str | int | None:
    if text[0] in "\"'":
        return text[1:-1]
    return None if text == "null" else int(text)


def _unreadable(query: str) -> InvalidRequest:
    return InvalidRequest(f"We were unable to parse your search query: {query}", param="query")
