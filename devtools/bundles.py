"""`python -m devtools.bundles`: makes the style sheet and the scripts that pages load.

Sources stay plain files under `static/`. The bundles in `static/bundles/` are minified, compressed,
and named with a hash of their content, so that browsers keep them without a time limit.
`manifest.json` there maps a bundle's name to its file: `site.css` to `site-2JXWYV5D.css`. Nothing
is done while no source has changed.

A file in `static/css/bundles/` is the style sheet of a page that needs more than `site.css`, which
it imports. A file in `static/js/pages/` is a page's own bundle. What it loads with `import()`
becomes a file of its own, fetched when it is needed. Standard library only: the bootstrap imports
it.
"""

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded.subprocesses import PROJECT
from embedded.terminal import print_error

_FOLDER = "static/bundles"
_OPTIONS = (
    *("--bundle", "--minify", "--sourcemap", "--log-level=warning"),
    *("--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]"),
    "--target=chrome111,edge111,firefox114,safari16.4",
)
_MODULE = ("--format=esm", "--splitting")
_CLASSIC = ("--format=iife",)  # blocks the first paint, so it may not wait as a module does


class EsbuildNotInstalled(Exception):
    """The packages of package.json are missing."""


def build(project: Path) -> None:
    """Make the bundles if a source has changed. Raises CalledProcessError, EsbuildNotInstalled."""
    if are_current(project):
        return
    digest = _digest(project)
    with tempfile.TemporaryDirectory() as built:
        files = _bundle_all(project, Path(built))
        _compress(Path(built))
        _install(Path(built), project / _FOLDER, {"sources": digest, "files": files})


def are_current(project: Path) -> bool:
    """Whether the bundles are those of the sources as they are now."""
    return _manifest(project / _FOLDER).get("sources") == _digest(project)


def _bundle_all(project: Path, folder: Path) -> dict[str, str]:
    """Bundle every entry; return the file of each bundle.

    One by one: bundled together, two scripts would share a third file, one more request a page.
    """
    entries = [
        (project / "static/css/site.css", ()),
        *((sheet, ()) for sheet in sorted(project.glob("static/css/bundles/*.css"))),
        (project / "static/js/early.js", _CLASSIC),
        (project / "static/js/site.js", _MODULE),
        *((page, _MODULE) for page in sorted(project.glob("static/js/pages/*.js"))),
    ]
    return {
        entry.name: _bundle(project, entry, folder=folder, options=options)
        for entry, options in entries
    }


def _bundle(project: Path, entry: Path, *, folder: Path, options: tuple[str, ...]) -> str:
    """Bundle one entry and what it imports; return the name of its file."""
    source = entry.relative_to(project)
    description = folder / "description.json"
    command = (str(_esbuild(project)), str(source), *_OPTIONS, *options)
    subprocess.run(
        (*command, f"--outdir={folder}", f"--metafile={description}"), cwd=project, check=True
    )
    outputs = json.loads(description.read_text())["outputs"]
    description.unlink()
    return next(
        Path(name).name
        for name, output in outputs.items()
        if output.get("entryPoint") == str(source)
    )


def _esbuild(project: Path) -> Path:
    """Return this platform's program, which runs without Node.js and without install scripts."""
    for program in project.glob("node_modules/@esbuild/*/bin/esbuild"):
        return program
    raise EsbuildNotInstalled


def _compress(folder: Path) -> None:
    for file in (*folder.glob("*.css"), *folder.glob("*.js")):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))


def _install(built: Path, folder: Path, manifest: dict[str, Any]) -> None:
    """Move the files, then the manifest that names them, then delete what it names no more."""
    folder.mkdir(exist_ok=True)
    new = {file.name for file in built.iterdir()}
    for file in built.iterdir():
        shutil.move(file, folder / file.name)
    incomplete = folder / "manifest.incomplete"
    incomplete.write_text(json.dumps(manifest, indent=2))
    incomplete.replace(folder / "manifest.json")
    for file in folder.iterdir():
        if file.name not in new | {".gitignore", "manifest.json"}:
            file.unlink()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return manifest


def _digest(project: Path) -> str:
    digest = hashlib.sha256()
    for file in _sources(project):
        digest.update(f"{file.relative_to(project)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    yield project / "devtools/bundles.py"
    yield project / "package-lock.json"
    yield from sorted(project.glob("static/css/**/*.css"))
    yield from sorted(project.glob("static/js/**/*.js"))


if __name__ == "__main__":
    try:
        build(PROJECT)
    except EsbuildNotInstalled:
        print_error("esbuild is missing: run npm ci --ignore-scripts --omit dev first.")
        sys.exit(1)
    except subprocess.CalledProcessError:
        print_error("The bundles cannot be made: see the messages above.")
        sys.exit(1)
