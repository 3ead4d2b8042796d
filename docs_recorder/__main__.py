"""`python -m docs_recorder [SAMPLE]...`: what `bin/docs record` runs."""

import os
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caicaini_portal.settings")
django.setup()

from docs_recorder import recordings  # noqa: E402 (needs the settings)
from tests.support.docs_examples import examples  # noqa: E402


def main(names: list[str]) -> int:
    """Run the named samples, or all, and write their recordings unless one of them fails."""
    found = examples.all_examples()
    unknown = set(names) - {example.name for example in found}
    if unknown:
        return _fail(f"There is no sample {', '.join(sorted(unknown))} in docs_site/samples.")
    wanted = [example for example in found if not names or example.name in names]
    try:
        with tempfile.TemporaryDirectory() as folder:
            results = examples.run_all(wanted, folder=Path(folder).resolve()).values()
    except KeyboardInterrupt:  # as devtools sends it on after SIGTERM
        return _fail("Stopped: nothing was recorded.")
    failed = [result for result in results if result.status]
    for result in failed:
        reason = f"exit status {result.status}\n{result.stderr}"
        sys.stderr.write(f"{result.example.fault(reason)}\n")
    if failed:
        return _fail("Nothing was recorded.")
    recordings.write(results)
    sys.stdout.write(f"Recorded {len(results)} examples in docs_site/recordings.\n")
    return 0


def _fail(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
