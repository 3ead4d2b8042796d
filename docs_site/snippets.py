"""Ready-made calls to /v1/messages in several languages, as text."""

from gateway.openapi.examples import PROMPT
from web.code_blocks import CodeSample

ENVIRONMENT_VARIABLE = "CAICAINI_API_KEY"
_IN_SHELL = f"${ENVIRONMENT_VARIABLE}"


def first_call(*, base_url: str, token: str | None = None) -> tuple[CodeSample, ...]:
    """Return the smallest call; without `token` it reads the key from the environment."""
    return (
        CodeSample("curl", curl(base_url=base_url, token=token)),
        CodeSample("python", _python(base_url, token, _PYTHON_PLAIN)),
        CodeSample("typescript", _typescript(base_url, token, _TYPESCRIPT_PLAIN)),
    )


def streaming_call(*, base_url: str) -> tuple[CodeSample, ...]:
    """Return the same call with a streamed answer; it reads the key from the environment."""
    return (
        CodeSample("curl", curl(base_url=base_url, is_stream=True)),
        CodeSample("python", _python(base_url, None, _PYTHON_STREAM)),
        CodeSample("typescript", _typescript(base_url, None, _TYPESCRIPT_STREAM)),
    )


def curl(*, base_url: str, token: str | None = None, is_stream: bool = False) -> str:
    """Return the smallest call for a shell; streaming when asked."""
    return (
        f"curl {'-N ' if is_stream else ''}{base_url}/v1/messages \\\n"
        f'  -H "Authorization: Bearer {token or _IN_SHELL}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        "  -d '{\n"
        '    "model": "caicaini/auto",\n'
        '    "max_tokens": 100,\n'
        f"{_STREAM_LINE if is_stream else ''}"
        '    "messages": [\n'
        f'      {{"role": "user", "content": "{PROMPT}"}}\n'
        "    ]\n"
        "  }'"
    )


def export_line(token: str) -> str:
    """Return the shell line that sets the variable which the samples read."""
    return f"export {ENVIRONMENT_VARIABLE}={token}"


_STREAM_LINE = '    "stream": true,\n'

_PYTHON_PLAIN = f"""\
message = client.messages.create(
    model="caicaini/auto",
    max_tokens=100,
    messages=[{{"role": "user", "content": "{PROMPT}"}}],
)
print(message.content[0].text)
print(message.usage.credits_consumed, "credits")"""

_PYTHON_STREAM = f"""\
with client.messages.stream(
    model="caicaini/auto",
    max_tokens=100,
    messages=[{{"role": "user", "content": "{PROMPT}"}}],
) as stream:
    for event in stream:
        if event.type == "text":
            print(event.text, end="", flush=True)
        elif event.type == "message_delta":
            print(f"\\n{{event.usage.credits_consumed}} credits")"""

_TYPESCRIPT_PLAIN = f"""\
const message = await client.messages.create({{
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [{{ role: "user", content: "{PROMPT}" }}],
}});
console.log(message.content);
console.log(message.usage);"""

_TYPESCRIPT_STREAM = f"""\
const stream = client.messages.stream({{
  model: "caicaini/auto",
  max_tokens: 100,
  messages: [{{ role: "user", content: "{PROMPT}" }}],
}});
for await (const event of stream) {{
  if (event.type === "content_block_delta" && event.delta.type === "text_delta") {{
    process.stdout.write(event.delta.text);
  }} else if (event.type === "message_delta") {{
    console.log("\\n", event.usage);
  }}
}}"""


def _python(base_url: str, token: str | None, call: str) -> str:
    imports = "" if token else "import os\n\n"
    api_key = f'"{token}"' if token else f'os.environ["{ENVIRONMENT_VARIABLE}"]'
    client = f'client = Anthropic(base_url="{base_url}", api_key={api_key})'
    return f"{imports}from anthropic import Anthropic\n\n{client}\n{call}"


def _typescript(base_url: str, token: str | None, call: str) -> str:
    api_key = f'"{token}"' if token else f"process.env.{ENVIRONMENT_VARIABLE}"
    client = f'const client = new Anthropic({{ baseURL: "{base_url}", apiKey: {api_key} }});'
    return f'import Anthropic from "@anthropic-ai/sdk";\n\n{client}\n{call}'
