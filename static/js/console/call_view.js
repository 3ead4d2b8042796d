// Draws one call of the Answer tab: thinking, text, tool calls, and the line that it ends in.
import { emit } from "./app.js";
import { h, icon } from "./dom.js";
import { endLine } from "./end_line.js";
import { errorBox } from "./errors.js";
import { duration, grouped } from "../run/figures.js";
import { coloured, pretty } from "./json_text.js";
import { MarkdownView } from "./markdown.js";
import { SendRow } from "./send_row.js";
import { ToolCallView } from "./tool_call_view.js";

class TextView {
  constructor() {
    this.markdown = new MarkdownView();
    this.element = this.markdown.element;
  }

  update(block, { span, call }) {
    const isWhole = span.to !== undefined || !call.isRunning;
    if (this.shown === block.text && this.isWhole === isWhole) return;
    this.shown = block.text;
    this.isWhole = isWhole;
    this.markdown.update(block.text, { isWhole });
  }
}

class ThinkingView {
  constructor() {
    this.title = h("span", {}, "Thinking…");
    this.tokens = h("span", { class: "soft" });
    this.text = h("p", { class: "thinking-text" });
    this.element = h(
      "details",
      { class: "thinking" },
      h("summary", {}, icon("chevron", "fold-mark"), this.title, this.tokens),
      this.text,
    );
  }

  update(block, { span, call }) {
    const text = block.thinking ?? "(The provider has hidden this part.)";
    if (this.text.textContent !== text) this.text.textContent = text;
    if (span.to === undefined && call.isRunning) return;
    this.title.textContent =
      span.to === undefined ? "Thought" : `Thought for ${duration(span.to - span.from)}`;
    const tokens = thinkingTokens(call);
    if (tokens) this.tokens.textContent = `${grouped(tokens)} tokens`;
  }
}

// Providers count thinking inside the output; some say how much of it.
function thinkingTokens(call) {
  return call.answer.usage.output_tokens_details?.thinking_tokens ?? null;
}

class OtherView {
  constructor() {
    this.element = h("pre", { class: "code-text", tabindex: "0" });
  }

  update(block) {
    this.element.replaceChildren(...coloured(pretty(block)));
  }
}

const VIEWS = {
  text: TextView,
  thinking: ThinkingView,
  redacted_thinking: ThinkingView,
  tool_use: ToolCallView,
};

export class CallView {
  constructor(call) {
    this.call = call;
    this.views = [];
    this.blocks = h("div", { class: "blocks" });
    this.waiting = h("p", { class: "soft waiting" }, "Waiting for the first token…");
    this.end = h("div", { class: "call-end" });
    this.element = h(
      "article",
      { class: "call", "aria-label": `Call ${call.number}` },
      this.waiting,
      this.blocks,
      this.end,
    );
  }

  update({ isLast }) {
    const { call } = this;
    this.element.classList.toggle("is-running", call.isRunning);
    this.waiting.hidden = !call.isRunning || call.answer.content.length > 0;
    call.answer.content.forEach((block, index) => this.drawBlock(block, index));
    this.drawResults();
    this.drawEnd(isLast);
  }

  // Drawn again only when it changes: an open receipt stays open, and the focus where it is.
  drawEnd(isLast) {
    const { call } = this;
    const version = `${call.ending} ${call.record !== null} ${isLast}`;
    if (call.isRunning || version === this.version) return;
    this.version = version;
    this.end.replaceChildren(
      ...[call.error && errorBox(call), this.emptyNote(), endLine(call), this.replyRow(isLast)].filter(
        Boolean,
      ),
    );
  }

  emptyNote() {
    const { call } = this;
    const isEmpty = call.ending === "completed" && !call.answer.content.length;
    return isEmpty && h("p", { class: "soft" }, "The answer is empty.");
  }

  drawBlock(block, index) {
    if (!block) return;
    if (!this.views[index]) {
      this.views[index] = new (VIEWS[block.type] ?? OtherView)(block, this.call);
      this.blocks.append(this.views[index].element);
    }
    this.views[index].update(block, { span: this.call.answer.spans[index] ?? {}, call: this.call });
  }

  // Once it has ended with tool calls: the button that sends the results.
  drawResults() {
    const { call } = this;
    const isOpen =
      call.ending === "completed" &&
      call.answer.stopReason === "tool_use" &&
      !call.results &&
      call.answer.toolCalls().length > 0;
    if (isOpen && !this.send) {
      this.send = new SendRow(call, this.toolViews());
      this.blocks.append(this.send.element);
    }
    if (this.send) this.send.hidden = !isOpen;
  }

  // The newest call alone can be replied to.
  replyRow(isLast) {
    const { call } = this;
    const canReply =
      isLast &&
      call.ending === "completed" &&
      call.answer.stopReason !== "tool_use" &&
      call.answer.isReusable();
    return (
      canReply &&
      h(
        "p",
        { class: "row" },
        h(
          "button",
          { type: "button", class: "add-button", onclick: () => emit("continue", call) },
          icon("plus"),
          "Reply to this answer",
        ),
      )
    );
  }

  toolViews() {
    return this.views.filter((view) => view instanceof ToolCallView);
  }
}
