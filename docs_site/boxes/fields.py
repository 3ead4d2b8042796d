"""`{{ fields <name> }}`: fields with anchors; docs_site/openapi/trees.py has the names."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from docs_site.boxes.reader import Reader
from docs_site.openapi.fields import Content, Field, Variant
from docs_site.openapi.trees import tree
from docs_site.source.markdown import MARKDOWN, slug
from docs_site.tables.markdown_table import table


def markdown(name: str) -> str:
    """Return a table, with the path of each field."""
    rows = [_row(field, is_sent=_is_sent(name)) for field in tree(name).walk()]
    return table(("Field", "Type", "Presence", "Meaning"), rows)


def html(name: str, reader: Reader, id: str) -> str:
    """Return nested lists; what is inside a field is folded."""
    content = _shown(tree(name), is_sent=_is_sent(name))
    return render_to_string("docs/fields.html", {"content": content, "is_top": True})


def _row(field: Field, *, is_sent: bool) -> tuple[str, ...]:
    meaning = " ".join(part for part in (_facts(field), field.description) if part)
    return f"`{field.path}`", field.type, _presence(field, is_sent), meaning


def _is_sent(name: str) -> bool:
    """Whether callers send these fields; otherwise they receive them."""
    return name.endswith((".body", ".parameters")) or name.startswith("block.")


def _presence(field: Field, is_sent: bool) -> str:
    """Return what is worth a word: a field that must be sent, or one that may be missing."""
    if is_sent:
        return "required" if field.is_required else ""
    return "" if field.is_required else "sometimes"


def _facts(field: Field) -> str:
    facts = [*field.facts, *([f"default `{field.default}`"] if field.default else [])]
    text = "; ".join(facts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _shown(content: Content, *, is_sent: bool) -> dict[str, object]:
    return {
        "fields": [_field(field, is_sent=is_sent) for field in content.fields],
        "variants": [_variant(variant, is_sent=is_sent) for variant in content.variants],
    }


def _field(field: Field, *, is_sent: bool) -> dict[str, object]:
    inside = field.content.fields or field.content.variants
    return {
        "id": slug(field.path),
        "name": field.name,
        "type": _inline(field.type),
        "presence": _presence(field, is_sent),
        "facts": _inline(_facts(field)),
        "description": _inline(field.description),
        "inside": _shown(field.content, is_sent=is_sent) if inside else None,
    }


def _variant(variant: Variant, *, is_sent: bool) -> dict[str, object]:
    return {
        "title": _inline(variant.title),
        "description": _inline(variant.description),
        "inside": _shown(Content(fields=variant.fields), is_sent=is_sent),
    }


def _inline(text: str) -> SafeString:
    return mark_safe(str(MARKDOWN.renderInline(text)))  # noqa: S308 (Markdown without HTML)
