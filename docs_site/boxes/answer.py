"""`{{ answer <name> }}`: what a sample printed when it was recorded, and with what."""

from typing import Any

from django.template.loader import render_to_string

from docs_site.boxes.reader import Reader
from docs_site.examples import recordings
from docs_site.examples.recordings import Output
from web.code_blocks import LANGUAGES, highlighted


def markdown(name: str) -> str:
    """Return a fence and a line of origin for each language."""
    return "\n\n".join(
        f"```{output.language}\n{output.stdout.rstrip()}\n```\n\n"
        f"*Printed by the {LANGUAGES[language]} sample. {origin(output)}*"
        for language, output in recordings.load(name).items()
    )


def html(name: str, reader: Reader, id: str) -> str:
    """Return the box with the outputs; the chosen language's is shown."""
    outputs = recordings.load(name).items()
    return render_to_string(
        "docs/answer.html",
        {"id": id, "outputs": [_shown(id, one, output, reader) for one, output in outputs]},
    )


def origin(output: Output) -> str:
    """Return the sentence that says when, with what and by which model it was recorded."""
    tools = " on ".join(part for part in (output.sdk, output.runtime) if part)
    when = f"{output.recorded_at:%-d %B %Y, %H:%M} UTC"
    return f"Recorded on {when}, with {tools}{_answered_by(output)}."


def _answered_by(output: Output) -> str:
    by = "a scripted model" if output.is_scripted else output.model
    cost = "" if output.credits is None else f", for {output.credits:,} credits"
    return f"; answered by {by}{cost}" if by else cost


def _shown(id: str, language: str, output: Output, reader: Reader) -> dict[str, Any]:
    age = output.age(reader.today) if reader.today else None
    return {
        "id": f"{id}-{language}",
        "language": language,
        "label": LANGUAGES[language],
        "html": highlighted(output.stdout.rstrip(), output.language),
        "origin": origin(output),
        "days": age.days if age else None,
    }
