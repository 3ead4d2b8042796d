"""How many retries a workspace's calls may make, so that a failing upstream is not asked twice as
often.

Per process and in memory. Each workspace has a budget of its own: calls that fail again and again,
whatever the reason, leave the retries of others as they are.
"""

# Retries are at most a fifth of a workspace's calls, and a few at the start.
_RETRIES_PER_CALL = 0.2
_SAVED_UP = 10.0
_MOST_KEPT = 10_000


class RetryBudget:
    """Counts retries against calls by workspace."""

    def __init__(self) -> None:
        self._left: dict[int, float] = {}  # without those that have all of it, nearly all

    def begin_call(self, workspace_id: int) -> None:
        """Record a call's first attempt, which adds a part of a retry to the budget."""
        left = self._left.get(workspace_id)
        if left is None:
            return
        if left + _RETRIES_PER_CALL >= _SAVED_UP:
            del self._left[workspace_id]
        else:
            self._left[workspace_id] = left + _RETRIES_PER_CALL

    def take(self, workspace_id: int) -> bool:
        """Return whether another attempt is within the budget, and spend it."""
        left = self._left.pop(workspace_id, _SAVED_UP)
        is_enough = left >= 1.0
        self._left[workspace_id] = left - 1.0 if is_enough else left
        if len(self._left) > _MOST_KEPT:
            del self._left[next(iter(self._left))]  # whose last retry is longest ago
        return is_enough
