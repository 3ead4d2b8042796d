// Draws one run into an element whose places carry data-run-slot (templates/components/run_body.html).
import { drawBlocks } from "./blocks.js";
import { errorNotice, noticeOf } from "./endings.js";
import { counted, dollars, duration, grouped } from "./figures.js";
import { applied } from "./message.js";
import { recordOf } from "./run.js";

const SVG = "http://www.w3.org/2000/svg";

// The words of a run inside an example; a page with other places brings others.
const TEXTS = {
  done: "Your run",
  stopped: "Stopped",
  failed: "Failed",
  first: (ms) => `first token ${duration(ms)}`,
  total: (ms, events) => (events ? `${counted(events, "event")} in ${duration(ms)}` : `answered in ${duration(ms)}`),
  tokens: ({ read, output, held }) =>
    `${grouped(read)} tokens in, ${grouped(output)} out${held === null ? "" : `; at most ${grouped(held)} held`}`,
  held: (held) => `at most ${grouped(held)} held`,
};

export class RunView {
  #root;
  #texts;
  #ticks = [];
  #message = null;
  #held = null;
  #requestId = null;
  #recordName = null; // by which the books know the run: nothing for one that was refused
  #isDrawDue = false;
  #failure = null;

  // `canReadRecords` is false for visitors, whose runs are nobody's to look up.
  constructor(root, { canReadRecords = true, texts = {} } = {}) {
    this.#root = root;
    this.#texts = { ...TEXTS, ...texts };
    this.canReadRecords = canReadRecords;
  }

  // Of an answer that is complete.
  get usage() {
    return this.#message?.usage ?? null;
  }

  get model() {
    return this.#message?.model ?? null;
  }

  begin() {
    this.#set("words", "Running…");
    this.#root.dataset.runState = "running";
    for (const name of ["answer", "route", "first", "total", "tokens", "held", "sum", "dollars", "notice"]) this.#set(name, "");
    this.#set("credits", "–");
    this.#slot("ticks")?.replaceChildren();
    this.#slot("charged")?.setAttribute("width", "0");
    this.#show("notice", false);
  }

  head({ requestId, route, held }) {
    this.#requestId = requestId;
    this.#held = held;
    this.#set("route", route?.split(";")[0] ?? "");
    if (held !== null) this.#set(this.#slot("held") ? "held" : "tokens", this.#texts.held(held));
    this.#show("cost", true);
  }

  event(event) {
    if (event.name === "error") this.#failure = event.data;
    if (event.name === "comment" || event.name === "ping" || event.name === "error") return;
    this.#message = applied(this.#message, event);
    this.#ticks.push(event);
    this.#drawSoon();
  }

  async end({ message, atMs }) {
    this.#message = message ?? this.#message;
    this.#draw();
    this.#set("total", this.#texts.total(atMs, this.#ticks.length));
    this.#show("times", true);
    this.#recordName = this.#requestId;
    if (this.#failure) return this.#failed(errorNotice(this.#failure, this.#requestId));
    this.#charge(this.#message.usage);
    return this.#finish("good", this.#texts.done, `The answer is complete. It cost ${counted(this.#message.usage.credits_consumed, "credit")}.`);
  }

  async error(error) {
    this.#requestId ??= error.requestId;
    this.#draw();
    const wasStopped = error.kind === "aborted";
    if (wasStopped || error.kind === "cut") this.#set("total", this.#texts.total(error.atMs, this.#ticks.length));
    if (error.kind !== "http") this.#recordName = this.#requestId ?? error.name;
    await this.#failed(noticeOf(error), wasStopped);
  }

  // Says why nothing ran, and leaves everything else as it is.
  async explain(error) {
    const notice = noticeOf(error);
    this.#notice(notice);
    speak(notice.text);
  }

  async #failed(notice, wasStopped = false) {
    const words = wasStopped ? this.#texts.stopped : this.#texts.failed;
    this.#notice(notice);
    this.#finish(wasStopped ? "stopped" : "bad", words, `${words}. ${notice.text}`);
    const isKnown = this.canReadRecords && this.#recordName;
    const record = isKnown ? await recordOf(this.#recordName) : null;
    if (record) this.#charge({ ...record, credits_consumed: record.credits });
  }

  #finish(state, words, spoken) {
    this.#root.dataset.runState = state;
    this.#set("words", words);
    speak(spoken);
    document.body.dispatchEvent(new CustomEvent("balance-changed"));
  }

  #charge({ credits_consumed: credits, input_tokens: input, output_tokens: output, ...rest }) {
    const read = input + (rest.cache_creation_input_tokens ?? 0) + (rest.cache_read_input_tokens ?? 0);
    this.#set("credits", grouped(credits));
    this.#set("dollars", `· ${dollars(credits)}`);
    this.#set("tokens", this.#texts.tokens({ read, output, held: this.#held }));
    const share = this.#held ? Math.min(1, credits / this.#held) : 1;
    this.#slot("charged")?.setAttribute("width", `${100 * share}%`);
    this.#show("cost", true);
  }

  #notice({ text, link }) {
    const place = this.#slot("notice");
    place.replaceChildren(text);
    if (link) {
      const anchor = document.createElement("a");
      anchor.textContent = link.text;
      anchor.href = link.href;
      if (link.isNewTab) anchor.target = "_blank";
      place.append(" ", anchor);
    }
    this.#show("notice", true);
  }

  // Once a frame: a fast model sends hundreds of events a second.
  #drawSoon() {
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#isDrawDue = false;
    if (!this.#message) return;
    drawBlocks(this.#slot("answer"), this.#message);
    this.#drawTicks();
  }

  #drawTicks() {
    const first = this.#ticks.find((event) => event.name === "content_block_delta");
    if (first) this.#set("first", this.#texts.first(first.atMs));
    const place = this.#slot("ticks");
    if (!place || !this.#ticks.length) return;
    this.#show("times", true);
    const last = this.#ticks.at(-1).atMs;
    place.replaceChildren(...this.#ticks.map((event) => tick(event, last)));
  }

  #slot(name) {
    return this.#root.querySelector(`[data-run-slot="${name}"]`);
  }

  #set(name, text) {
    const place = this.#slot(name);
    if (place) place.textContent = text;
  }

  #show(name, isShown) {
    const place = this.#slot(name);
    if (place) place.hidden = !isShown;
  }
}

function speak(text) {
  const status = document.getElementById("spoken");
  if (status) status.textContent = text;
}

function tick({ name, atMs }, lastMs) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("x", `${(99 * atMs) / lastMs}%`);
  rect.setAttribute("width", "2");
  rect.setAttribute("height", "100%");
  rect.setAttribute("class", name === "content_block_delta" ? "run-tick" : "run-tick run-tick-other");
  return rect;
}
