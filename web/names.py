"""Names that people give to things: one line that everybody can see. No Django, no I/O."""

import unicodedata

# Joiners shape letters and emoji; all other format characters only hide or turn text around.
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
# Fillers of Hangul and Braille are letters and symbols to Unicode, and nothing to the eye.
_BLANK = "\u115f\u1160\u3164\uffa0\u2800"


def visible_name(typed: str) -> str:
    """Return the name without characters that hide or reorder text; "" if nothing can be seen."""
    kept = "".join(one for one in typed if one in _JOINERS or not _is_hidden(one)).strip()
    return kept if any(_is_seen(one) for one in kept) else ""


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def _is_seen(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character)[0] in "LNPS"
