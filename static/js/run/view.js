// Draws one run into an element whose places carry data-run-slot (templates/components/run_body.html).
import { drawBlocks } from "./blocks.js";
import { errorNotice, noticeOf } from "./endings.js";
import { counted, dollars, duration, grouped } from "./figures.js";
import { applied } from "./message.js";
import { recordOf } from "./run.js";

const SVG = "http://www.w3.org/2000/svg";

export class RunView {
  #root;
  #ticks = [];
  #message = null;
  #held = null;
  #requestId = null;
  #isDrawDue = false;
  #failure = null;

  // `canReadRecords` is false for visitors, whose runs are nobody's to look up.
  constructor(root, { canReadRecords = true } = {}) {
    this.#root = root;
    this.canReadRecords = canReadRecords;
  }

  begin() {
    this.#set("words", "Running…");
    this.#root.dataset.runState = "running";
    for (const name of ["answer", "route", "first", "total", "tokens", "dollars", "notice"]) this.#set(name, "");
    this.#set("credits", "–");
    this.#slot("ticks")?.replaceChildren();
    this.#slot("charged")?.setAttribute("width", "0");
    this.#show("notice", false);
  }

  head({ requestId, route, held }) {
    this.#requestId = requestId;
    this.#held = held;
    this.#set("route", route?.split(";")[0] ?? "");
    this.#set("tokens", held === null ? "" : `at most ${grouped(held)} held`);
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
    this.#set("total", this.#total(atMs));
    this.#show("times", true);
    if (this.#failure) return this.#failed(errorNotice(this.#failure, this.#requestId));
    this.#charge(this.#message.usage);
    return this.#finish("good", "Your run", `The answer is complete. It cost ${counted(this.#message.usage.credits_consumed, "credit")}.`);
  }

  async error(error) {
    this.#requestId ??= error.requestId;
    this.#draw();
    if (error.kind === "aborted" || error.kind === "cut") this.#set("total", this.#total(error.atMs));
    await this.#failed(noticeOf(error), error.kind === "aborted" ? "Stopped" : "Failed");
  }

  async #failed(notice, words = "Failed") {
    this.#notice(notice);
    this.#finish(words === "Stopped" ? "stopped" : "bad", words, `${words}. ${notice.text}`);
    const isCharged = this.#held !== null && this.canReadRecords && this.#requestId;
    const record = isCharged ? await recordOf(this.#requestId) : null;
    if (record) this.#charge({ ...record, credits_consumed: record.credits });
  }

  #finish(state, words, spoken) {
    this.#root.dataset.runState = state;
    this.#set("words", words);
    const status = document.getElementById("spoken");
    if (status) status.textContent = spoken;
    document.body.dispatchEvent(new CustomEvent("balance-changed"));
  }

  #charge({ credits_consumed: credits, input_tokens: input, output_tokens: output, ...rest }) {
    const read = input + (rest.cache_creation_input_tokens ?? 0) + (rest.cache_read_input_tokens ?? 0);
    this.#set("credits", grouped(credits));
    this.#set("dollars", `· ${dollars(credits)}`);
    const held = this.#held === null ? "" : `; at most ${grouped(this.#held)} held`;
    this.#set("tokens", `${grouped(read)} tokens in, ${grouped(output)} out${held}`);
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

  #total(atMs) {
    return this.#ticks.length ? `${counted(this.#ticks.length, "event")} in ${duration(atMs)}` : `answered in ${duration(atMs)}`;
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
    if (first) this.#set("first", `first token ${duration(first.atMs)}`);
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

function tick({ name, atMs }, lastMs) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("x", `${(99 * atMs) / lastMs}%`);
  rect.setAttribute("width", "2");
  rect.setAttribute("height", "100%");
  rect.setAttribute("class", name === "content_block_delta" ? "run-tick" : "run-tick run-tick-other");
  return rect;
}
