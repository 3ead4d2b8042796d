"""The table of embedded servers, and their start."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded import endpoints, paths, ports, postgres, valkey
from embedded import model as language_model
from embedded.endpoints import Endpoints
from embedded.postgres import Postgres
from embedded.subprocesses import Service
from embedded.supervisor import Supervisor


def table(
    supervisor: Supervisor,
    *,
    data_dir: Path,
    env: Mapping[str, str],
    durable: bool,
    with_model: bool,
) -> list[Service]:
    """Return each server to run: those whose URL is not in `env` already."""
    rows = []
    if not env.get("DATABASE_URL"):
        rows.append(_postgres(supervisor, data_dir=data_dir, durable=durable))
    if not env.get("REDIS_URL"):
        rows.append(valkey.service(data_dir))
    if with_model:
        rows.append(language_model.service(env))
    return rows


def bring_up(supervisor: Supervisor, rows: Sequence[Service], *, data_dir: Path) -> dict[str, str]:
    """Start all, wait for those needed first; return the variables with all addresses.

    The addresses are also written to `embedded.json`, for a `manage.py` in another terminal.
    """
    for row in rows:
        supervisor.start(row.child)
    for row in rows:
        if row.is_needed_first:
            supervisor.await_ready(row.child)
    exports = {name: value for row in rows for name, value in row.exports.items()}
    endpoints.save(
        data_dir,
        Endpoints(
            database_url=exports.get("DATABASE_URL", ""),
            redis_url=exports.get("REDIS_URL", ""),
            model_url=exports.get("EMBEDDED_MODEL_URL", ""),
            model_api_key=exports.get("EMBEDDED_MODEL_API_KEY", ""),
            stripe_secret_key=exports.get("STRIPE_SECRET_KEY", ""),
            stripe_api_base=exports.get("STRIPE_API_BASE", ""),
        ),
    )
    return exports


def _postgres(supervisor: Supervisor, *, data_dir: Path, durable: bool) -> Service:
    if paths.is_abandoned(data_dir):
        postgres.end_orphaned_server(paths.shared_root_of(data_dir))
        paths.remove(data_dir)
    cluster = paths.cluster_for(data_dir)
    postgres.end_orphaned_server(cluster.root)
    server = Postgres(cluster, port=ports.free_port(), durable=durable)
    step = server.initdb()
    if step is not None:
        supervisor.run(step)
        server.adopt()
    return server.service()
