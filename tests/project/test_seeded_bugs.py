"""The edits of `bin/bench seeded_bugs`, which takes an hour, still fit the code."""

import pytest

from benchmarks.seeded_bugs.bug import Bug
from benchmarks.seeded_bugs.bugs import BUGS
from embedded.subprocesses import PROJECT


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_what_a_bug_changes_stands_once_in_its_file(bug: Bug) -> None:
    for edit in bug.edits:
        assert (PROJECT / edit.file).read_text().count(edit.old) == 1


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_tests_that_must_notice_a_bug_exist(bug: Bug) -> None:
    for tests in bug.tests:
        assert (PROJECT / tests.partition("::")[0]).exists()
