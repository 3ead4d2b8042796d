"""The sample answer of the docs; its numbers are those of the published worked example."""

ANSWER = """\
{
  "id": "msg_01a20475e98a73849a4c1d1cf69081fc",
  "type": "message",
  "role": "assistant",
  "model": "caicaini/swift",
  "content": [
    {
      "type": "text",
      "text": "Hello there, it is lovely to meet you, and I hope that your day will go very well."
    }
  ],
  "stop_reason": "end_turn",
  "stop_sequence": null,
  "usage": {
    "input_tokens": 14,
    "output_tokens": 23,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "credits_consumed": 12
  }
}"""
