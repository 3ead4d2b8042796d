"""An answer in Markdown is read block by block as it grows, and ends as if read at once."""

import json
import random
from itertools import accumulate
from typing import Any

from tests.support import node

PIECES = (
    *("Some words", "more words ", "\n", "\n", "\n\n", "\n\n", " ", "    ", "\t", "\r\n"),
    *("- item", "\n- item", "\n\n- item", "\n  - inner", "\n2. second", "1. first", "\n  go on"),
    *(
        "# Head",
        "\n#",
        "tag",
        "\n---\n",
        "\n===\n",
        "> quote",
        "\n> quote",
        "```\ncode\n",
        "\n```\n",
    ),
    *(
        "\n| a | b |\n",
        "|---|---|\n",
        "| 1 | 2 |\n",
        "**bold**",
        "*",
        "`",
        "[name]",
        "[x](http://y)",
    ),
    *(
        "\n[name]: http://z.example\n",
        "<div>\n",
        "</div>\n",
        "<b>",
        "&amp;",
        "\\",
        "~~~\n",
        "\n***\n",
    ),
)
READ = """
const runs = %s;
const raw = (blocks) => blocks.map((token) => token.raw);
const all = (blocks) => blocks.map((token) => JSON.stringify(token));
const results = runs.map((texts) => {
  const reader = new BlockReader();
  let growing;
  for (const text of texts) growing = reader.read(text);
  const atOnce = new BlockReader().read(texts.at(-1));
  const ended = reader.read(texts.at(-1), { isWhole: true });
  const whole = new BlockReader().read(texts.at(-1), { isWhole: true });
  return [raw(growing), raw(atOnce), all(ended), all(whole)];
});
console.log(JSON.stringify(results));
"""
COUNT = """
const original = Lexer.prototype.lex;
let chars = 0;
Lexer.prototype.lex = function (text) {
  chars += text.length;
  return original.call(this, text);
};
const reader = new BlockReader();
let text = "";
for (let index = 0; index < 1000; index += 1) {
  text += `Paragraph ${index} of **this** answer.\\n\\n`;
  reader.read(text);
}
console.log(JSON.stringify([chars, text.length]));
"""


def a_growing_text(source: random.Random) -> list[str]:
    pieces = source.choices(PIECES, k=source.randrange(2, 40))
    text = "".join(pieces)
    cuts = sorted(source.choices(range(len(text) + 1), k=source.randrange(1, 60)))
    return [text[:cut] for cut in cuts] + [text]


def test_a_growing_answer_has_the_blocks_of_the_whole_one() -> None:
    source = random.Random(4)
    runs = [a_growing_text(source) for _ in range(2_000)]
    letter_by_letter = [list(accumulate(run[-1])) for run in runs[:200] if run[-1]]

    results: list[Any] = node.evaluate(
        "console/markdown_blocks.js", READ % json.dumps(runs + letter_by_letter)
    )

    for run, (growing, at_once, ended, whole) in zip(runs + letter_by_letter, results, strict=True):
        assert growing == at_once, run
        assert ended == whole, run


def test_the_work_for_a_piece_does_not_grow_with_the_answer() -> None:
    read, length = node.evaluate("console/markdown_blocks.js", COUNT)

    assert read < 5 * length
