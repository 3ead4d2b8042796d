"""The bugs: each a few words changed in one place, of the kind that reviews let through."""

from benchmarks.seeded_bugs.alerted import ALERTED
from benchmarks.seeded_bugs.availability import AVAILABILITY
from benchmarks.seeded_bugs.books import BOOKS
from benchmarks.seeded_bugs.deciding import DECIDING
from benchmarks.seeded_bugs.metering import METERING
from benchmarks.seeded_bugs.reported import REPORTED
from benchmarks.seeded_bugs.shown import SHOWN

BUGS = (*DECIDING, *METERING, *BOOKS, *AVAILABILITY, *SHOWN, *REPORTED, *ALERTED)
