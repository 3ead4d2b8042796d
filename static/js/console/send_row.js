// The row below an answer's tool calls that sends their results. An empty one may be meant, or forgotten: it asks.
import { emit } from "./app.js";
import { h, icon, say } from "./dom.js";

const HINT = "Ctrl+Enter in a result sends them, too";

export class SendRow {
  // `toolViews` are the call's; each has the field of one result.
  constructor(call, toolViews) {
    this.call = call;
    this.toolViews = toolViews;
    this.question = h("span", { class: "small send-question", hidden: true });
    this.anyway = button("Send anyway", "send-anyway", () => this.send());
    this.hint = h("span", { class: "small soft key-hint" }, HINT);
    // The button stays under the pointer while the question comes: a second click asks again, and sends nothing.
    const send = button("Send results", "button-primary send-results", () => this.ask());
    this.element = h("div", { class: "row send-row" }, send, this.question, this.anyway, this.hint);
    this.settle();
  }

  ask() {
    const empty = this.toolViews.filter((view) => !view.isFilled());
    if (!empty.length) return this.send();
    const text = question(empty.map((view) => view.block.name));
    this.question.replaceChildren(icon("alert"), h("span", {}, text));
    this.show(true);
    for (const view of this.toolViews) view.mark(empty.includes(view), () => this.settle());
    empty[0].focus();
    this.element.scrollIntoView({ block: "nearest" });
    return say(`Not sent. ${text} Press Ctrl+Enter again to send anyway.`);
  }

  // Called when a result is written after the question, too: it is another one then.
  settle() {
    this.show(false);
    for (const view of this.toolViews) view.mark(false);
  }

  show(isAsking) {
    this.question.hidden = !isAsking;
    this.anyway.hidden = !isAsking;
    this.hint.textContent = isAsking ? "or Ctrl+Enter again" : HINT;
  }

  send() {
    emit("send-results", { call: this.call, results: this.toolViews.map((view) => view.result()) });
  }

  set hidden(isHidden) {
    this.element.hidden = isHidden;
  }
}

function button(label, classes, onclick) {
  const kind = classes.includes("primary") ? icon("play") : null;
  return h("button", { type: "button", class: `button button-small ${classes}`, onclick }, kind, label);
}

function question(names) {
  const [first, ...others] = [...new Set(names)];
  if (!others.length) return `The result of ${first} is empty. Send it as it is?`;
  const all = `${[first, ...others.slice(0, -1)].join(", ")} and ${others.at(-1)}`;
  return `The results of ${all} are empty. Send them as they are?`;
}
