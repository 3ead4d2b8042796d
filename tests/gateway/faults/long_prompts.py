"""What servers answer to a prompt that is too long, each in its own words."""
# ruff: noqa: E501 (the servers' own words)

from typing import Any, NamedTuple

Numbers = tuple[int, ...] | None


class TooLong(NamedTuple):
    """What a server answers to a prompt that is too long.

    `expected` has the numbers that our message gives: sent and limit, or input, output and limit.
    None means that the server gives none, and that they come from the call and the catalogue.
    """

    server: str
    status: int
    body: Any
    expected: Numbers


TOO_LONG = [
    TooLong(
        "OpenAI",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        (140000, 128000),
    ),
    TooLong(
        "OpenAI responses",
        400,
        {
            "error": {
                "message": "Your input exceeds the context window of this model. Please adjust your input and try again.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        None,
    ),
    TooLong(
        "Gemini",
        400,
        {
            "error": {
                "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                "code": 400,
                "status": "INVALID_ARGUMENT",
            }
        },
        (1200000, 1048576),
    ),
    TooLong(
        "Gemini, as a list",
        400,
        [
            {
                "error": {
                    "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                    "code": 400,
                    "status": "INVALID_ARGUMENT",
                }
            }
        ],
        (1200000, 1048576),
    ),
    TooLong(
        "Mistral",
        400,
        {
            "object": "error",
            "message": "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            "type": "invalid_request_error",
            "code": "3051",
        },
        (65673, 32768),
    ),
    TooLong(
        "Groq",
        400,
        {
            "error": {
                "message": "Please reduce the length of the messages or completion.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        None,
    ),
    TooLong(
        "Cerebras",
        400,
        {
            "message": "Please reduce the length of the messages or completion. Current length is 8193 while limit is 8192",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        },
        (8193, 8192),
    ),
    TooLong(
        "Moonshot",
        400,
        {
            "error": {
                "message": "Invalid request: Your request exceeded model token limit: 262144 (requested: 300000)",
                "type": "invalid_request_error",
            }
        },
        (300000, 262144),
    ),
    TooLong(
        "z.ai",
        400,
        {"error": {"code": "1261", "message": "Prompt exceeds max length"}},
        None,
    ),
    TooLong(
        "MiniMax",
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "invalid params, context window exceeds limit (2013)",
            },
        },
        None,
    ),
    TooLong(
        "DeepSeek",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 131072 tokens. However, you requested 140000 tokens (135904 in the messages, 4096 in the completion). Please reduce the length of the messages or completion.",
                "type": "invalid_request_error",
                "code": "invalid_request_error",
            }
        },
        (135904, 131072),
    ),
    TooLong(
        "OpenRouter",
        400,
        {
            "error": {
                "message": 'This endpoint\'s maximum context length is 131072 tokens. However, you requested about 200000 tokens (195904 of text input, 4096 in the output). Please reduce the length of either one, or use the "middle-out" transform to compress your prompt automatically.',
                "code": 400,
            }
        },
        (195904, 131072),
    ),
    TooLong(
        "Bedrock",
        400,
        {"message": "Input is too long for requested model."},
        None,
    ),
    TooLong(
        "Ollama",
        400,
        {
            "error": {
                "message": "prompt too long; exceeded max context length by 4 tokens",
                "type": "api_error",
            }
        },
        None,
    ),
    TooLong(
        "Together",
        422,
        {
            "error": {
                "message": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens and 512 `max_new_tokens`",
                "type": "invalid_request_error",
            }
        },
        (9000, 8193),
    ),
    TooLong(
        "LM Studio",
        400,
        {
            "error": "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."
        },
        (9000, 4096),
    ),
    TooLong(
        "vLLM",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens. However, your request has 9000 input tokens. Please reduce the length of the input messages.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (9000, 8192),
    ),
    TooLong(
        "llama.cpp",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9000,
                "n_ctx": 8192,
            }
        },
        (9000, 8192),
    ),
    TooLong(
        "SGLang/CCR total",
        400,
        {
            "object": "error",
            "type": "BadRequestError",
            "message": "Requested token count exceeds the model's maximum context length of 262144 tokens. You requested a total of 262462 tokens: 230462 tokens from the input messages and 32000 tokens for the completion.",
        },
        (230462, 32000, 262144),
    ),
    TooLong(
        "ds4-server",
        400,
        {
            "error": {
                "message": "Prompt has 256468 tokens, but the configured context size is 256000 tokens",
                "type": "invalid_request_error",
            }
        },
        (256468, 256000),
    ),
    TooLong(
        "vLLM, 0 output",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 262144 tokens. However, you requested 0 output tokens and your prompt contains at least 262145 input tokens, for a total of at least 262145 tokens.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (262145, 262144),
    ),
    TooLong(
        "SiliconFlow",
        400,
        {
            "code": 20015,
            "message": "number of input tokens (204703) has exceeded max_prompt_tokens (202752) limit.",
            "data": None,
        },
        (204703, 202752),
    ),
    TooLong(
        "code max_tokens_exceeded",
        422,
        {"error": {"message": "Too many tokens", "code": "max_tokens_exceeded"}},
        None,
    ),
    TooLong(
        "OpenRouter with tools",
        400,
        {
            "error": {
                "message": "This endpoint's maximum context length is 262144 tokens. However, you requested about 284283 tokens (8963 of text input, 13176 of tool input, 262144 in the output). Please reduce the length of either one.",
                "code": 400,
            }
        },
        (22139, 262144, 262144),
    ),
    TooLong(
        "xAI",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 136973 tokens.",
        },
        (136973, 131072),
    ),
    TooLong(
        "xAI, of a budget",
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Failed to start sampling: [input_too_large] Current message (1149677 tokens) exceeds budget (975424 tokens)",
        },
        (1149677, 975424),
    ),
    TooLong(
        "LM Studio, without numbers",
        400,
        {
            "error": "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the model with a larger context length, or provide a shorter input"
        },
        None,
    ),
    TooLong(
        "oMLX",
        400,
        {
            "error": {
                "message": "Prompt too long: 131787 tokens exceeds max context window of 110900 tokens",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            }
        },
        (131787, 110900),
    ),
    TooLong(
        "vLLM, with the output",
        400,
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens. However, you requested 65535 output tokens and your prompt contains at least 62466 input tokens, for a total of at least 128001 tokens.",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (62466, 65535, 128000),
    ),
    TooLong(
        "vLLM, of max_tokens",
        400,
        {
            "error": {
                "message": "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is 8192 tokens and your request has 500 input tokens (8000 > 8192 - 500).",
                "type": "BadRequestError",
                "code": 400,
            }
        },
        (500, 8000, 8192),
    ),
    TooLong(
        "z.ai, of tokens",
        400,
        {"error": {"code": "1210", "message": "tokens in request more than max tokens allowed"}},
        None,
    ),
    TooLong(
        "Alibaba Cloud",
        400,
        {
            "error": {
                "code": "invalid_parameter_error",
                "param": None,
                "message": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
                "type": "invalid_request_error",
            }
        },
        None,
    ),
    TooLong(
        "OpenRouter, quoting a provider",
        400,
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {
                    "provider_name": "X",
                    "raw": '{"error": {"message": "This model\'s maximum context length is 131072 tokens. However, your messages resulted in 140000 tokens.", "type": "invalid_request_error"}}',
                },
            }
        },
        (140000, 131072),
    ),
    TooLong(
        "LiteLLM, with a code in quotes",
        400,
        {
            "error": {
                "message": "litellm.ContextWindowExceededError: OpenAIException - This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens.",
                "type": None,
                "param": None,
                "code": "400",
            }
        },
        (140000, 128000),
    ),
]
