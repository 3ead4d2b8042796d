"""`python -m devtools.plain_words`: finds words for which the field has a plainer one.

It searches code, templates, scripts, style sheets and documentation, but no tests. It splits
identifiers into their words and finds a phrase across a line break. The list holds only words that
have no good use here.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PLAIN_WORDS = {
    "whoever|whomever|whosoever": "a caller, a client, the process that …",
    "amid": "during, within, in the middle of",
    "anew": "again, new",
    "likewise": "also, the same way",
    "for ever": "forever, without a time limit",
    "work off|works off|worked off|working off": "process",
    "take in|takes in|took in|taken in|taking in": "receive, read, accept",
    "stand still|stands still|stood still|standing still": "stop, hang, be suspended",
    "is away|are away|was away|were away|be away|being away": "is unavailable, is down",
    "stumble|stumbles|stumbled": "failed unexpectedly",
    "the dead": "processes that ended",
    "patience": "timeout",
    "put off|puts off|putting off": "retry scheduled, postponed",
    "come to nothing|comes to nothing|came to nothing": "fails, has no effect",
    "nobody's business": "say who may see it",
    "leftover|leftovers": "orphans, remains",
    "be told|is told|are told|was told|were told|been told": "receive, get the error, log",
    "hear of|hears of|heard of": "receive, learn, notice",
    "tell of|tells of|told of": "report, log, notify",
    "as whom": "the user that …",
    "for want of": "without",
    "see to it|sees to it|saw to it": "ensure, make sure",
}
# Names that queued messages carry: a worker of the next version must still know them.
_FIXED_NAMES = re.compile(r"billing\.tasks\.work_off_event")
_SUFFIXES = frozenset({".css", ".html", ".js", ".md", ".py", ".sh", ".sql", ".txt"})
_NOT_SEARCHED = frozenset({"node_modules", "tests", "__pycache__"})
_PACKAGES = ("requirements", "package")

_BETWEEN_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
# Between two words of a phrase: blanks, or a line break and the mark of the comment's next line.
_GAP = r"[\s#*/]+"


def _pattern_of(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words.replace(' ', _GAP)})\b", re.IGNORECASE)


_PATTERNS = [(_pattern_of(words), plainer) for words, plainer in _PLAIN_WORDS.items()]


class Finding(NamedTuple):
    """A word, the line on which it begins, and what to write instead."""

    line: int
    word: str
    plainer: str


def findings(text: str) -> list[Finding]:
    """Return the words to replace, in the order of their lines."""
    in_words = _BETWEEN_PARTS.sub(" ", _FIXED_NAMES.sub("", text))
    return sorted(
        Finding(in_words.count("\n", 0, found.start()) + 1, _on_one_line(found[0]), plainer)
        for pattern, plainer in _PATTERNS
        for found in pattern.finditer(in_words)
    )


def report(root: Path) -> Iterator[str]:
    """Yield a line for each finding in the project at `root`."""
    for path in sorted(_searched(root)):
        for line, word, plainer in findings(path.read_text()):
            yield f'{path.relative_to(root)}:{line}: "{word}": write "{plainer}"'


def _searched(root: Path) -> Iterator[Path]:
    own_list = root / "devtools" / Path(__file__).name
    for folder, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one not in _NOT_SEARCHED and one[0] != "."]
        for name in files:
            path = Path(folder, name)
            is_package_file = path.parent == root and name.startswith(_PACKAGES)
            if path.suffix in _SUFFIXES and not is_package_file and path != own_list:
                yield path


def _on_one_line(phrase: str) -> str:
    return re.sub(_GAP, " ", phrase)


def main() -> int:
    """Print what is found in the project; return 1 if anything is."""
    lines = list(report(Path(__file__).resolve().parent.parent))
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
