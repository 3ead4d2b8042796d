"""The table of embedded servers, and how they are brought up together."""

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
    """Return a row for each server to run: those whose URL `env` does not give already.

    A further server is one more row here.
    """
    rows = []
    if not env.get("DATABASE_URL"):
        rows.append(_postgres(supervisor, data_dir=data_dir, durable=durable))
    if not env.get("REDIS_URL"):
        rows.append(valkey.service(data_dir))
    if with_model:
        rows.append(language_model.service(env))
    return rows


def bring_up(supervisor: Supervisor, rows: Sequence[Service], *, data_dir: Path) -> dict[str, str]:
    """Start all, wait for those needed first; return the variables by which all are found.

    They go into `embedded.json` as well, for a `manage.py` in another terminal.
    """
    for row in rows:
        supervisor.start(row.child)
    for row in rows:
        if row.is_needed_first:
            supervisor.await_ready(row.child)
    gives = {name: value for row in rows for name, value in row.gives.items()}
    endpoints.save(
        data_dir,
        Endpoints(
            database_url=gives.get("DATABASE_URL", ""),
            redis_url=gives.get("REDIS_URL", ""),
            model_url=gives.get("EMBEDDED_MODEL_URL", ""),
            model_api_key=gives.get("EMBEDDED_MODEL_API_KEY", ""),
            stripe_secret_key=gives.get("STRIPE_SECRET_KEY", ""),
            stripe_api_base=gives.get("STRIPE_API_BASE", ""),
        ),
    )
    return gives


def _postgres(supervisor: Supervisor, *, data_dir: Path, durable: bool) -> Service:
    if paths.is_forgotten(data_dir):
        postgres.end_leftover(paths.shared_root_of(data_dir))
        paths.remove(data_dir)
    place = paths.place_for(data_dir)
    postgres.end_leftover(place.root)
    server = Postgres(place, port=ports.free_port(), durable=durable)
    step = server.initdb()
    if step is not None:
        supervisor.run(step)
        server.adopt()
    return server.service()
