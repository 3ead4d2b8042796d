"""`{{ live_limits workspace }}`: for a signed-in reader, what is left of the workspace's limits.

The page is cached for all readers, so the box holds no numbers: it asks for them.
"""

from django.template.loader import render_to_string

from docs_site.boxes.reader import Reader


def markdown(_: str) -> str:
    """Return what stands in the box's place where nobody is signed in."""
    return "*Signed in, this page shows here how much of your workspace's limits is left.*"


def html(_: str, reader: Reader, id: str) -> str:
    """Return the empty box, or the way to sign in."""
    return render_to_string("docs/live_limits_box.html", {"reader": reader, "id": id})
