"""The catalogue that the tests' gateways sell from: the shipped one, and scripted models.

Most scripted models cost 1 credit per input token and 2 per output token, so that a test can say
what a call costs without a calculator.
"""

from embedded.subprocesses import PROJECT

MAX_TOKENS_PER_IMAGE = 1000
LONG_ANSWER_TOKENS = 20_000_000
PRICED_ANSWER_TOKENS = 20_000
LONG_ANSWER_CREDITS = 1_000_000_000  # enough to hold for one
TEMPLATE_TOKENS = 1024  # what a hold adds to the bytes of a body

# Models of upstreams with habits, and of a provider of the Messages format beside the usual one.
DIALECTS = ("deepseek", "kimi", "gemini", "openai", "mistral", "qwen", "vllm")
OTHER_MESSAGES = "other-messages"

_PRICE_NOW = """
[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 1_000_000
output = 2_000_000
cache_write = 1_250_000
cache_read = 100_000
"""
# Each class has a price of its own, so that a token in the wrong one is seen.
_PRICE_PER_CLASS = """
[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 300_000
output = 1_500_000
cache_write = 375_000
cache_read = 30_000
cache_write_1h = 600_000
"""
# Tools that the provider runs: 500 credits a search, 1 a page, a quarter for code.
_PRICE_WITH_TOOLS = f"""{_PRICE_NOW.rstrip()}
web_search = 500_000
web_fetch = 1_000
code_execution = 250
"""
_PRICE_OF_TOMORROW = """
[[models.prices]]
from = 2099-01-01T00:00:00Z
input = 7_000_000
output = 7_000_000
cache_write = 7_000_000
cache_read = 7_000_000
"""
# The most that a catalogue may say: a million credits for every token.
_DEAREST = """
[[models.prices]]
from = 2026-01-01T00:00:00Z
input = 1_000_000_000_000
output = 1_000_000_000_000
cache_write = 1_000_000_000_000
cache_read = 1_000_000_000_000
"""
_MODEL = """
[[models]]
id = "{id}"
name = "Scripted"
context_tokens = 200_000
max_output_tokens = {most_output}
capabilities = {capabilities}
max_tokens_per_image = {per_image}
auto = {auto}
"""
_RETIRES_LATER = """retires_on = 2099-03-31
replacement = "scripted/two"
"""
_ALLOWS_EVERYTHING = 'allow = ["*"]\n'
_ALLOWS_TOOLS = """allow = [
    "tool:web_search_*", "tool:web_fetch_*", "tool:code_execution_*", "field:container", "field:n",
    "beta:code-execution-*",
]
"""
_RETIRED = "retires_on = 2026-01-02\n"
_UPSTREAM = """
[[models.upstreams]]
format = "{format}"
base_url = "{base_url}"
model = "{name}"
priority = {priority}
"""


def catalogue(*, upstream_url: str, dead_url: str, deaf_url: str) -> str:
    """Return the text of a catalogue file; nothing listens at `dead_url`, and what listens at
    `deaf_url` accepts nobody."""
    messages, chat = ("messages", upstream_url), ("chat_completions", upstream_url)
    everything = '["images", "documents", "tools", "thinking", "structured_output"]'
    both = '["tools", "structured_output"]'
    shipped = (PROJECT / "catalogue.toml").read_text()
    # Here the shipped model takes text alone, so that a request can need a dearer one.
    text_only = shipped.replace('capabilities = ["tools"]', "capabilities = []", 1)
    return text_only + "".join(
        [
            _model("scripted/messages", messages, capabilities=everything),
            _model("scripted/chat", chat, capabilities=everything),
            # The first with tools that caicaini/auto chooses.
            _model("scripted/able", messages, capabilities='["tools"]', auto="true"),
            # The only ones with both of these; they cost the same, and the first is down.
            _model("scripted/frail", ("messages", dead_url), capabilities=both, auto="true"),
            _model("scripted/sturdy", messages, capabilities=both, auto="true"),
            _model("scripted/unreachable", ("messages", dead_url)),
            _model("scripted/nameless", ("messages", "http://nobody.invalid")),
            _model("scripted/deaf", ("messages", deaf_url)),
            _model("scripted/plaintext", ("messages", upstream_url.replace("http", "https"))),
            _model("scripted/first-is-dead", ("messages", dead_url), messages),
            _model("scripted/two", ("messages", f"{upstream_url}/first"), chat),
            _model("scripted/chat-first", chat, messages),
            # For answers of megabytes, which other models may not give.
            _model("scripted/long", messages, most_output=LONG_ANSWER_TOKENS),
            _model("scripted/long-chat", chat, most_output=LONG_ANSWER_TOKENS),
            _model(
                "scripted/priced",
                messages,
                prices=_PRICE_PER_CLASS,
                capabilities=everything,
                most_output=PRICED_ANSWER_TOKENS,
            ),
            _model(
                "scripted/priced-chat",
                chat,
                prices=_PRICE_PER_CLASS,
                capabilities=everything,
                most_output=PRICED_ANSWER_TOKENS,
            ),
            _model("scripted/helper", messages, upstream_model="helper-for-insiders"),
            *(
                _model(
                    f"scripted/{name}",
                    messages if name == OTHER_MESSAGES else chat,
                    capabilities=everything,
                    upstream_model=f"{name}-for-insiders",
                    dialect="" if name == OTHER_MESSAGES else name,
                )
                for name in (OTHER_MESSAGES, *DIALECTS)
            ),
            # Everything, or a provider's tools, pass to it.
            _model(
                "scripted/open", messages, capabilities=everything, life_cycle=_ALLOWS_EVERYTHING
            ),
            _model(
                "scripted/tools",
                messages,
                capabilities=everything,
                prices=_PRICE_WITH_TOOLS,
                life_cycle=_ALLOWS_TOOLS,
            ),
            anthropic_entry(upstream_url),
            _model("scripted/without-price", messages, prices=""),
            _model(
                "scripted/dearest",
                messages,
                capabilities='["images"]',
                prices=_DEAREST,
                per_image=2**31 - 1,
            ),
            _model("scripted/priced-later", messages, prices=_PRICE_OF_TOMORROW),
            _model("scripted/retiring", messages, life_cycle=_RETIRES_LATER),
            _model("scripted/retired", messages, life_cycle=_RETIRED),
        ]
    )


def anthropic_entry(base_url: str) -> str:
    """Return the entry for Anthropic that the shipped catalogue has as a comment, for a server of
    ours, and not for caicaini/auto."""
    shipped = (PROJECT / "catalogue.toml").read_text()
    _, _, entry = shipped.partition("# Anthropic:\n")
    entry, _, _ = entry.partition("#\n# OpenAI")
    lines = [line.removeprefix("# ") for line in entry.splitlines()]
    text = "\n".join(line for line in lines if not line.startswith(("auto", "api_key_env")))
    return "\n" + text.replace("https://api.anthropic.com", base_url) + "\n"


def bound(body: bytes, *, max_tokens: int) -> int:
    """Return what a hold for a request to a scripted model is: cache writes are the dearest."""
    input_millionths = (len(body) + TEMPLATE_TOKENS) * 1_250_000
    return -(-(input_millionths + max_tokens * 2_000_000) // 1_000_000)


def _model(
    model_id: str,
    *upstreams: tuple[str, str],
    capabilities: str = "[]",
    auto: str = "false",
    prices: str = _PRICE_NOW + _PRICE_OF_TOMORROW,
    per_image: int = MAX_TOKENS_PER_IMAGE,
    most_output: int = 4096,
    life_cycle: str = "",
    upstream_model: str = "a-name-for-insiders",
    dialect: str = "",
) -> str:
    rows = [
        _UPSTREAM.format(format=wire, base_url=url, priority=place, name=upstream_model)
        + (f'dialect = "{dialect}"\n' if dialect else "")
        for place, (wire, url) in enumerate(upstreams)
    ]
    head = _MODEL.format(
        id=model_id,
        capabilities=capabilities,
        auto=auto,
        per_image=per_image,
        most_output=most_output,
    )
    return head + life_cycle + prices + "".join(rows)
