"""`embedded.json` has the addresses of the embedded servers, readable by its owner alone."""

import stat
from pathlib import Path

from embedded import endpoints
from embedded.endpoints import Endpoints

HERE = Endpoints(
    database_url="postgresql://caicaini:pass@127.0.0.1:1/caicaini",
    redis_url="redis://:pass@127.0.0.1:2/0",
    model_url="http://127.0.0.1:3",
    model_api_key="key",
    stripe_secret_key="sk_test_key",
    stripe_api_base="http://127.0.0.1:4",
)


def test_saved_endpoints_are_loaded(data_dir: Path) -> None:
    endpoints.save(data_dir, HERE)

    assert endpoints.load(data_dir) == HERE


def test_nobody_else_can_read_the_passwords(data_dir: Path) -> None:
    endpoints.save(data_dir, Endpoints())
    endpoints.save(data_dir, HERE)

    assert stat.S_IMODE((data_dir / "embedded.json").stat().st_mode) == 0o600
    assert [file.name for file in data_dir.iterdir()] == ["embedded.json"]


def test_there_are_none_before_a_start_and_after_its_end(data_dir: Path) -> None:
    assert endpoints.load(data_dir) is None

    endpoints.save(data_dir, HERE)
    endpoints.remove(data_dir)

    assert endpoints.load(data_dir) is None


def test_a_damaged_file_counts_as_none(data_dir: Path) -> None:
    (data_dir / "embedded.json").write_text('{"database_url": "postgres')

    assert endpoints.load(data_dir) is None
