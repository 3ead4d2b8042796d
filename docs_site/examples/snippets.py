"""Ready-made calls to /v1/messages for pages of any app: samples of the docs, with a key."""

from docs_site.examples import samples
from web.code_blocks import CodeSample

ENVIRONMENT_VARIABLE = "CAICAINI_API_KEY"
_FIRST, _STREAMING = "hello", "stream-text"
# How each language reads the variable.
_READS = (f'os.environ["{ENVIRONMENT_VARIABLE}"]', f"process.env.{ENVIRONMENT_VARIABLE}")
_PYTHON_IMPORT = "import os\n\n"


def first_call(*, token: str | None = None) -> tuple[CodeSample, ...]:
    """Return the smallest call; without `token` it reads the key from the environment."""
    return tuple(
        CodeSample(code.language, _with_key(code.text, token))
        for code in samples.load(_FIRST).codes
    )


def curl(*, token: str | None = None, is_stream: bool = False) -> str:
    """Return the smallest call for a shell; streaming when asked."""
    codes = samples.load(_STREAMING if is_stream else _FIRST).codes
    text = next(code.text for code in codes if code.language == "curl")
    return _with_key(text, token)


def export_line(token: str) -> str:
    """Return the shell line that sets the variable which the samples read."""
    return f"export {ENVIRONMENT_VARIABLE}={token}"


def _with_key(text: str, token: str | None) -> str:
    if token is None:
        return text
    for read in _READS:
        text = text.replace(read, f'"{token}"')
    return text.removeprefix(_PYTHON_IMPORT).replace(f"${ENVIRONMENT_VARIABLE}", token)
