"""Bugs in what is made of the usage that an upstream reports."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_TALLY = "gateway/reply/token_usage.py"
_CHARGES = "gateway/pipeline/charges.py"

_COUNTS = ("tests/gateway/formats/test_usage_reports.py",)
_CHARGED = ("tests/gateway/pipeline/test_upstream_token_counts.py",)

REPORTED = (
    Bug(
        "the last report of a stream wins",
        (
            Edit(
                _TALLY,
                "        if number > counts.get(name, -1):\n            counts[name] = number\n",
                "        counts[name] = number\n",
            ),
        ),
        _COUNTS,
    ),
    Bug(
        "the cost of a helper model is not charged",
        (Edit(_CHARGES, "    ways = [own, *priced]\n", "    ways = [own]\n"),),
        _CHARGED,
    ),
    Bug(
        "the message's own iteration is charged twice",
        (Edit(_CHARGES, 'if one.kind == "message")', 'if one.kind == "a message")'),),
        _CHARGED,
    ),
)
