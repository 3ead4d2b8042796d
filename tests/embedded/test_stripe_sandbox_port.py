"""Two products that start at the same moment have sandboxes at two ports."""

from pathlib import Path

from embedded import stripe_sandbox


def test_a_port_is_taken_when_it_is_chosen(tmp_path: Path) -> None:
    """Checked and bound later, both would find the usual one free."""
    one, other = (
        stripe_sandbox.service(tmp_path / name, env={}, portal_url="http://localhost:8000")
        for name in ("one", "other")
    )

    assert one.exports["STRIPE_API_BASE"] != other.exports["STRIPE_API_BASE"]
    assert one.child.descriptors != other.child.descriptors
