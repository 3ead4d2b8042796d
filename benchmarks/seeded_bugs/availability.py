"""Bugs in what a process answers while something is unavailable, and in coming back by itself."""

from benchmarks.seeded_bugs.bug import Bug, Edit

_HEALTH = "gateway/runtime/health.py"
_LIVENESS = "gateway/runtime/liveness.py"
_POOL = "gateway/runtime/database_pool.py"
_BREAKERS = "gateway/upstreams/circuit_breaker.py"

_ANSWERS = ("tests/gateway/runtime/test_health.py",)
_SAMPLES = ("tests/gateway/runtime/test_liveness.py",)
_CLOSES = ("tests/gateway/upstreams/test_circuit_breaker.py",)

AVAILABILITY = (
    Bug(
        "a web process that starts without PostgreSQL has closed its pools when it returns",
        (
            Edit(
                _POOL,
                "    await pool.open(wait=False)\n",
                "    await pool.open(wait=False)\n"
                "    with suppress(Exception):\n        await pool.wait(TIMEOUT_S)\n",
            ),
        ),
        _ANSWERS,
    ),
    Bug(
        "a web process does not start while PostgreSQL is unavailable",
        (Edit(_POOL, "await pool.open(wait=False)", "await pool.open(wait=True, timeout=2)"),),
        _ANSWERS,
    ),
    Bug(
        "readiness does not ask the gateway's own parts",
        (Edit("caicaini_portal/health.py", "checks |= _bounded(gateway)", "pass"),),
        _ANSWERS,
    ),
    Bug(
        "a process whose ledger takes no calls is ready",
        (Edit(_HEALTH, 'else "accepts no new calls"', 'else ""'),),
        _ANSWERS,
    ),
    Bug(
        "a process with an old catalogue is ready",
        (Edit(_HEALTH, "if age_s < _OLDEST_CATALOGUE_S:", "if age_s >= 0:"),),
        _ANSWERS,
    ),
    Bug(
        "an outage of PostgreSQL makes a process faulty",
        (Edit(_LIVENESS, "if broken and not self._is_postgresql_usable():", "if not broken:"),),
        _SAMPLES + _ANSWERS,
    ),
    Bug(
        "a part that does not work for long is no fault",
        (Edit(_LIVENESS, "self._faulty_samples[part] + 1 if part in broken else 0", "0"),),
        _SAMPLES + _ANSWERS,
    ),
    Bug(
        "a key that is looked up for long counts as an outage of PostgreSQL",
        (
            Edit(
                "gateway/runtime/key_cache.py",
                "if is_late and not self._is_answering() and turn >= _OUTAGE_TURNS:",
                "if turn >= _OUTAGE_TURNS:",
            ),
        ),
        ("tests/gateway/http/test_authentication.py",),
    ),
    Bug(
        "the failing calls of two workspaces close a model to all",
        (
            Edit(
                _BREAKERS,
                "        return self.by_workspace.get(workspace_id, _CLOSED)\n",
                "        others = list(self.by_workspace.values())\n"
                "        return others[0] if len(others) > 1 else"
                " self.by_workspace.get(workspace_id, _CLOSED)\n",
            ),
        ),
        _CLOSES,
    ),
    Bug(
        "a workspace waits for the probe of another",
        (Edit(_BREAKERS, "workspace_id in breaker.probing", "breaker.probing"),),
        _CLOSES,
    ),
    Bug(
        "each workspace finds out by itself that a model fails",
        (Edit(_BREAKERS, "len(breaker.by_workspace) > 1", "not breaker.by_workspace"),),
        _CLOSES,
    ),
    Bug(
        "one workspace spends the retries of all",
        (
            Edit(
                "gateway/upstreams/retry_budget.py",
                "        left = self._left.pop(workspace_id, _SAVED_UP)\n",
                "        workspace_id = 0\n"
                "        left = self._left.pop(workspace_id, _SAVED_UP)\n",
            ),
        ),
        ("tests/gateway/upstreams/test_retry_budget.py",),
    ),
    Bug(
        "a workspace takes the whole budget of uploads",
        (
            Edit(
                "gateway/limits/fair_budget.py",
                "if workspace > self._per_workspace or key > self._per_key:",
                "if workspace < 0:",
            ),
            Edit(
                "gateway/limits/fair_budget.py",
                "return taken > 0 and taken * (total - share) >= share * free",
                "return False",
            ),
        ),
        ("tests/gateway/limits/test_fair_budget.py",),
    ),
    Bug(
        "two workspaces take all places of a process",
        (
            Edit(
                "gateway/limits/fair_budget.py",
                "return taken > 0 and taken * (total - share) >= share * free",
                "return taken >= share",
            ),
        ),
        (
            "tests/gateway/limits/test_concurrency.py",
            "tests/gateway/limits/test_fair_budget.py",
        ),
    ),
    Bug(
        "a caller's own words teach the gateway a habit of an upstream",
        (
            Edit(
                "gateway/formats/refusals.py",
                "return found is not None and found[0].encode() not in sent",
                "return found is not None",
            ),
        ),
        ("tests/gateway/formats/test_refusals.py",),
    ),
    Bug(
        "connections take turns to be read, and not their owners",
        (
            Edit(
                "server/reading_pace.py",
                "self._waiting.setdefault(flow.owner, deque())",
                "self._waiting.setdefault(None, deque())",
            ),
        ),
        ("tests/server/test_reading_pace.py",),
    ),
    Bug(
        "a workspace that sends large bodies all the time is read as soon as another",
        (
            Edit(
                "server/reading_pace.py",
                "min(self._waiting, key=self._reads.__getitem__)",
                "next(iter(self._waiting))",
            ),
        ),
        ("tests/server/test_reading_pace.py",),
    ),
    Bug(
        "an answer that is read a byte at a time stays in memory",
        (
            Edit(
                "server/http_protocol.py",
                "max(0.0, self._unsent_bytes - least_sent)",
                "max(0.0, self._unsent_bytes - 1)",
            ),
        ),
        ("tests/server/test_http_protocol.py",),
    ),
    Bug(
        "memory that was lent to a body is not given back",
        (
            Edit(
                "gateway/limits/uploads.py",
                "        self._give_back(self._uploads.memory)\n",
                "",
            ),
        ),
        ("tests/gateway/limits/test_uploads.py",),
    ),
    Bug(
        "bodies that arrive stay in memory",
        (
            Edit(
                "gateway/limits/uploads.py",
                "if self._arriving > (SMALL_BYTES if is_crowded else _LARGEST_IN_MEMORY):",
                "if is_crowded and self._arriving < 0:",
            ),
        ),
        ("tests/gateway/limits/test_uploads.py",),
    ),
)
