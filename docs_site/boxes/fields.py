"""`{{ fields <name> }}`: fields with anchors; docs_site/reference/trees.py has the names."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from docs_site.boxes.reader import Reader
from docs_site.markdown import MARKDOWN, slug
from docs_site.reference.fields import Content, Field, Variant
from docs_site.reference.trees import tree
from docs_site.tables.markdown_table import table


def markdown(name: str) -> str:
    """Return a table, with the path of each field."""
    rows = [_row(field) for field in tree(name).walk()]
    return table(("Field", "Type", "", "Meaning"), rows)


def html(name: str, reader: Reader, id: str) -> str:
    """Return nested lists; what is inside a field is folded."""
    return render_to_string("docs/fields.html", {"content": _shown(tree(name)), "is_top": True})


def _row(field: Field) -> tuple[str, ...]:
    meaning = " ".join(part for part in (_facts(field), field.description) if part)
    required = "required" if field.is_required else ""
    return f"`{field.path}`", field.type, required, meaning


def _facts(field: Field) -> str:
    facts = [*field.facts, *([f"default `{field.default}`"] if field.default else [])]
    text = "; ".join(facts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _shown(content: Content) -> dict[str, object]:
    return {
        "fields": [_field(field) for field in content.fields],
        "variants": [_variant(variant) for variant in content.variants],
    }


def _field(field: Field) -> dict[str, object]:
    inside = field.content.fields or field.content.variants
    return {
        "id": slug(field.path),
        "name": field.name,
        "type": _inline(field.type),
        "is_required": field.is_required,
        "facts": _inline(_facts(field)),
        "description": _inline(field.description),
        "inside": _shown(field.content) if inside else None,
    }


def _variant(variant: Variant) -> dict[str, object]:
    return {
        "title": _inline(variant.title),
        "description": _inline(variant.description),
        "inside": {"fields": [_field(field) for field in variant.fields], "variants": []},
    }


def _inline(text: str) -> SafeString:
    return mark_safe(str(MARKDOWN.renderInline(text)))  # noqa: S308 (Markdown without HTML)
