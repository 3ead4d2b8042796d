// A tool call of an answer as a card: its input, and the field for the result that you enter by hand.
import { h, icon } from "./dom.js";
import { shortened } from "./short_texts.js";
import { coloured, pretty } from "./json_text.js";

export class ToolCallView {
  constructor(block, call) {
    this.block = block;
    this.call = call;
    this.input = h("pre", { class: "code-text", tabindex: "0", "aria-label": `Input of ${block.name}` });
    this.side = h("div", { class: "tool-result" });
    const head = h(
      "div",
      { class: "tool-head" },
      icon("wrench"),
      h("code", { class: "tool-name" }, block.name),
      h("code", { class: "soft small" }, shortened(block.id, 16)),
      h("span", { class: "badge" }, "call"),
    );
    this.element = h(
      "div",
      { class: "tool-call" },
      head,
      h(
        "div",
        { class: "tool-sides" },
        h("div", {}, h("p", { class: "small soft" }, "Input"), this.input),
        this.side,
      ),
    );
    this.side.hidden = true;
  }

  update(block) {
    const isPart = block.partialJson !== undefined;
    const text = isPart ? block.partialJson : pretty(block.input);
    if (this.shown !== text) {
      this.shown = text;
      // Colours make an element for each word: not again and again while the input grows.
      this.input.replaceChildren(...(isPart ? [text] : coloured(text)));
    }
    if (!this.call.isRunning) this.drawSide();
  }

  drawSide() {
    const sent = this.call.results?.find((result) => result.toolUseId === this.block.id);
    if (sent) return this.drawSent(sent);
    const isOpen = this.call.ending === "completed" && this.call.answer.stopReason === "tool_use";
    if (isOpen && !this.area) this.drawField();
  }

  drawField() {
    const id = `result-${this.call.number}-${this.block.id}`;
    this.area = h("textarea", {
      id,
      class: "code-input result-input",
      rows: "3",
      spellcheck: "false",
      placeholder: '{"…": "what your tool would return"}',
    });
    this.box = h("input", { type: "checkbox" });
    this.side.append(
      h("label", { for: id, class: "small soft" }, `Result of ${this.block.name}, entered by hand`),
      this.area,
      h("label", { class: "choice-small" }, this.box, "is an error"),
    );
    this.side.hidden = false;
  }

  drawSent({ text, isError }) {
    if (this.isSent) return;
    this.isSent = true;
    const title = `Result, entered by hand${isError ? ", an error" : ""}`;
    this.side.replaceChildren(
      h("p", { class: "small soft" }, title),
      text
        ? h("pre", { class: "code-text", tabindex: "0", "aria-label": title }, ...coloured(text))
        : h("p", { class: "small soft" }, "Sent empty."),
    );
    this.side.hidden = false;
  }

  isFilled() {
    return Boolean(this.area?.value.trim());
  }

  // Marks the field as one that is asked about; `onWrite` is called at the next change of it.
  mark(isAsked, onWrite) {
    if (!this.area) return;
    this.area.classList.toggle("is-asked", isAsked);
    this.area.oninput = isAsked ? onWrite : null;
  }

  focus() {
    this.area.focus();
  }

  result() {
    return {
      toolUseId: this.block.id,
      name: this.block.name,
      text: this.area?.value ?? "",
      isError: this.box?.checked ?? false,
    };
  }
}
