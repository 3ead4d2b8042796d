// One column of results: the calls of one model, drawn for the chosen tab, with its cost at the foot.
import { modelById } from "./app.js";
import { CallView } from "./call_view.js";
import { CodeView, RequestView } from "./code_view.js";
import { costFoot } from "./cost.js";
import { h } from "./dom.js";
import { EventsView } from "./events_view.js";
import { emptyAnswer } from "./empty_answer.js";
import { price } from "./models.js";

const NEAR_END_PX = 40;

export class Column {
  // `place` is its number in a comparison, or null.
  constructor(model, place) {
    this.model = model;
    this.place = place;
    this.calls = [];
    this.draft = null; // what its newest call was made of
    this.views = new Map();
    this.events = new EventsView();
    this.code = new CodeView();
    this.request = new RequestView();
    this.answer = h("div", { class: "answer-view" });
    this.body = h("div", { class: "column-body", tabindex: "0", role: "group", "aria-label": this.name() });
    this.foot = h("div", { class: "column-foot" });
    this.element = h("div", { class: "column" }, place !== null && this.head(), this.body, this.foot);
  }

  name() {
    return this.place === null ? "Results" : `Results of ${this.model}`;
  }

  head() {
    const known = modelById(this.model);
    return h(
      "div",
      { class: "column-head" },
      h("span", { class: `swatch cost-${this.place}`, "aria-hidden": "true" }),
      h("strong", {}, this.model),
      h("span", { class: "small soft" }, known ? price(known) : "at the price of the model it takes"),
    );
  }

  // `planned` is the request as it stands now, shown while nothing has run.
  draw(tab, { planned, scale }) {
    this.tab = tab;
    const isAtEnd = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < NEAR_END_PX;
    this[`${tab}Tab`](planned);
    const isGrowing = this.calls.at(-1)?.isRunning ?? false;
    if (tab === "answer" && isAtEnd && (isGrowing || this.wasGrowing))
      this.body.scrollTop = this.body.scrollHeight;
    this.wasGrowing = isGrowing;
    this.drawFoot(scale);
  }

  drawFoot(scale) {
    this.foot.hidden = !this.calls.length;
    if (this.calls.length)
      this.foot.replaceChildren(...costFoot(this.calls, { scale, isCompared: this.place !== null }));
    this.foot.classList.toggle(`compared-${this.place}`, this.place !== null);
  }

  put(element) {
    if (this.body.firstChild !== element) this.body.replaceChildren(element);
  }

  answerTab() {
    this.put(this.answer);
    if (!this.calls.length) return this.answer.replaceChildren(emptyAnswer(this.place));
    if (!this.views.size) this.answer.replaceChildren();
    const isReplied = this.place !== null;
    for (const call of this.calls)
      this.viewOf(call).update({ isLast: !isReplied && call === this.calls.at(-1) });
  }

  viewOf(call) {
    if (!this.views.has(call)) {
      const view = new CallView(call);
      this.views.set(call, view);
      this.answer.append(view.element);
    }
    return this.views.get(call);
  }

  requestTab(planned) {
    this.put(this.request.element);
    this.request.update(this.shown(planned));
  }

  eventsTab() {
    this.put(this.events.element);
    this.events.update(this.calls);
  }

  codeTab(planned) {
    this.put(this.code.element);
    this.code.update(this.shown(planned));
  }

  // The newest call's request, or the one that would run now.
  shown(planned) {
    const last = this.calls.at(-1);
    if (last) {
      const from = last.isRestored ? "Brought back from the history. " : "Exactly what was run. ";
      return { request: last.request, number: last.number, from };
    }
    const request = this.place === null ? planned : planned && { ...planned, model: this.model };
    return request && { request, from: "Not run yet. " };
  }

  text() {
    if (this.tab === "code") return this.code.text ?? "";
    if (this.tab === "request") return this.request.text ?? "";
    if (this.tab === "events")
      return this.calls.flatMap((call) => call.events.map(({ text }) => text)).join("");
    return this.calls.map((call) => call.answer.text()).join("\n\n");
  }
}
