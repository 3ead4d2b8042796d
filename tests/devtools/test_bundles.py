"""Style sheets and scripts are bundled once per change, into files named by their content."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from devtools import bundles
from embedded.subprocesses import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with two style sheets, the scripts of every page, and a page of its own."""
    for name, text in {
        "static/css/site.css": '@layer base, pages;\n@import "parts.css" layer(base);\n',
        "static/css/parts.css": "p { color: red }\n",
        "static/css/bundles/board.css": '@import "../site.css";\nb { color: blue }\n',
        "static/js/early.js": "document.documentElement.classList.add('early');\n",
        "static/js/site.js": 'import "./shared.js";\n',
        "static/js/shared.js": "console.log('shared');\n",
        "static/js/pages/editor.js": "import('../heavy.js').then((heavy) => heavy.start());\n",
        "static/js/heavy.js": "export function start() { console.log('heavy'); }\n",
        "devtools/bundles.py": "",
        "package-lock.json": "{}",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    return tmp_path


def _files(project: Path) -> dict[str, str]:
    manifest = (project / "static/bundles/manifest.json").read_text()
    files: dict[str, str] = json.loads(manifest)["files"]
    return files


def _text(project: Path, name: str) -> str:
    return (project / "static/bundles" / _files(project)[name]).read_text()


def test_every_page_has_one_style_sheet_and_three_scripts_at_most(project: Path) -> None:
    bundles.build(project)

    assert set(_files(project)) == {
        *("site.css", "board.css", "early.js", "site.js", "editor.js"),
    }
    assert "p{color:red}" in _text(project, "site.css")
    assert "shared" in _text(project, "site.js")
    assert "import" not in _text(project, "site.js")


def test_a_page_with_much_of_its_own_has_a_style_sheet_with_the_site_s_in_it(project: Path) -> None:
    bundles.build(project)

    assert "p{color:red}" in _text(project, "board.css")
    assert "b{color:" in _text(project, "board.css")
    assert "b{color:" not in _text(project, "site.css")


def test_what_a_page_loads_later_is_a_file_of_its_own(project: Path) -> None:
    bundles.build(project)

    page = _text(project, "editor.js")
    assert "heavy" in page
    [later] = (project / "static/bundles").glob("heavy-*.js")
    assert later.name in page


def test_each_bundle_is_compressed(project: Path) -> None:
    bundles.build(project)

    for name, file in _files(project).items():
        compressed = (project / f"static/bundles/{file}.gz").read_bytes()
        assert gzip.decompress(compressed).decode() == _text(project, name)


def test_a_change_renames_the_bundles_it_is_in_and_deletes_the_old_ones(project: Path) -> None:
    bundles.build(project)
    before = _files(project)
    (project / "static/css/parts.css").write_text("p { color: blue }\n")

    assert not bundles.are_current(project)
    bundles.build(project)

    after = _files(project)
    assert {name for name in after if after[name] != before[name]} == {"site.css", "board.css"}
    assert not (project / "static/bundles" / before["site.css"]).exists()


def test_a_removed_source_counts_as_a_change(project: Path) -> None:
    bundles.build(project)
    (project / "static/js/pages/editor.js").unlink()

    bundles.build(project)

    assert "editor.js" not in _files(project)


def test_without_a_change_nothing_is_bundled(project: Path) -> None:
    bundles.build(project)
    (project / "node_modules").unlink()  # the next bundling would fail

    assert bundles.are_current(project)
    bundles.build(project)


def test_bundles_that_were_deleted_are_made_again(project: Path) -> None:
    bundles.build(project)
    shutil.rmtree(project / "static/bundles")

    bundles.build(project)

    assert "p{color:red}" in _text(project, "site.css")


def test_a_missing_esbuild_is_named_and_leaves_no_bundles(project: Path) -> None:
    (project / "node_modules").unlink()

    with pytest.raises(bundles.EsbuildNotInstalled):
        bundles.build(project)

    assert not (project / "static/bundles").exists()
