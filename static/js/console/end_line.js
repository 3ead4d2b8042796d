// The line that a call ends in: how it ended, tokens, speed, credits, and the sum behind them.
import { config, emit } from "./app.js";
import { h, icon } from "./dom.js";
import { dollars, duration, grouped } from "../run/figures.js";

const CLASSES = {
  input: "input",
  output: "output",
  cache_write: "written to the cache",
  cache_write_1h: "written to the cache for an hour",
  cache_read: "read from the cache",
  web_search: "web searches",
  web_fetch: "web pages fetched",
  code_execution: "runs of code",
};
// Tools are priced by 1,000 uses, tokens by the million.
const TOOLS = ["web_search", "web_fetch", "code_execution"];
const MILLION = 1_000_000;

export function endLine(call) {
  const [level, name, word, ...more] = status(call);
  const facts = [
    h("span", { class: "end-name" }, `Call ${call.number} `, h("span", { class: "soft" }, word)),
    tokens(call) && h("span", {}, tokens(call)),
    call.firstTokenMs !== null
      ? h("span", {}, `${duration(call.firstTokenMs)} to first token`)
      : h("span", {}, duration(call.durationMs)),
    call.speed() >= 1 && h("span", {}, `${grouped(call.speed())} tok/s`),
  ];
  const [opener, details] = receipt(call);
  return h(
    "footer",
    { class: `end-line end-${level}` },
    h(
      "div",
      { class: "end-row" },
      icon(name),
      ...facts,
      h("span", { class: "end-money" }, charge(call), opener),
    ),
    ...more,
    details,
  );
}

// [level, icon, word, …sentences]
function status(call) {
  const { answer, ending } = call;
  if (ending === "stopped")
    return ["warn", "stop", "stopped", sentence(stopped(call))];
  if (ending === "failed")
    return [
      "bad",
      "alert",
      "failed",
      call.answer.content.length > 0 &&
        sentence(
          call.credits() === 0 ? "What had arrived is kept, and not charged." : "What had arrived is kept.",
        ),
    ];
  if (answer.stopReason === "max_tokens") return ["warn", "alert", "max_tokens", cut(call)];
  if (answer.stopReason === "model_context_window_exceeded")
    return ["warn", "alert", answer.stopReason, sentence("The answer was cut: the model's context is full.")];
  if (answer.stopReason === "refusal")
    return [
      "warn",
      "alert",
      "refusal",
      sentence(
        "The model declined to answer. Change the request: sent again as it is, it will be declined again. Tokens are charged as in any answer.",
      ),
    ];
  if (answer.stopReason === "stop_sequence")
    return ["good", "check", "stop_sequence", sentence(`Stopped at ${JSON.stringify(answer.stopSequence)}.`)];
  return ["good", "check", answer.stopReason ?? ""];
}

function stopped(call) {
  if (call.answer.content.length) return "You stopped it. What had arrived is kept, and charged.";
  if (call.credits() === 0) return "You stopped it before anything arrived. Nothing was charged.";
  return "You stopped it before anything arrived.";
}

function sentence(...parts) {
  return h("p", { class: "end-note" }, ...parts);
}

function cut(call) {
  const limit = call.request.max_tokens;
  const raise = () => emit("raise-max-tokens", limit * 2);
  return sentence(
    `The answer was cut at max_tokens = ${grouped(limit)}. `,
    h("button", { type: "button", class: "link-button", onclick: raise }, `Set it to ${grouped(limit * 2)}`),
  );
}

function tokens(call) {
  const { output_tokens: output } = call.usage();
  if (output === undefined || call.isRefused()) return "";
  return `${grouped(call.inputTokens())} in, ${grouped(output)} out`;
}

function charge(call) {
  const credits = call.credits();
  if (credits === null)
    return h(
      "span",
      { class: "soft" },
      "charge not known yet: see ",
      h("a", { href: config.urls.usage }, "Usage"),
    );
  return h(
    "span",
    { class: "end-charge number" },
    h("strong", {}, `${grouped(credits)} credits`),
    h("span", { class: "end-dollars" }, ` ${dollars(credits)}`),
  );
}

// The button that opens the receipt, and the receipt.
function receipt(call) {
  const { record, head } = call;
  const id = record?.request_id ?? call.error?.requestId ?? head.requestId;
  if (!id) return [];
  const rows = record?.lines?.length ? sum(record) : [];
  const table =
    rows.length > 0 &&
    h(
      "table",
      { class: "receipt-table" },
      h("caption", { class: "visually-hidden" }, "How the charge adds up"),
      h("tbody", {}, rows),
    );
  const details = h(
    "div",
    { class: "receipt", hidden: true },
    h(
      "p",
      { class: "row" },
      h("code", { class: "whole" }, id),
      record?.model && h("span", {}, record.model),
      record && h("a", { href: config.urls.requests + id }, "Whole receipt"),
    ),
    table,
  );
  const toggle = (event) => {
    details.hidden = !details.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!details.hidden));
    details.scrollIntoView({ block: "nearest" });
  };
  return [
    h(
      "button",
      { type: "button", class: "link-button", "aria-expanded": "false", onclick: toggle },
      record ? "Receipt" : "Request id",
    ),
    details,
  ];
}

// Each class of tokens × price, exact to a thousandth of a credit, and the rounding.
function sum({ lines, credits }) {
  const exact = lines.reduce((total, line) => total + line.units * line.price, 0);
  const rows = lines.map((line) =>
    row(
      CLASSES[line.class] ?? line.class,
      TOOLS.includes(line.class)
        ? `${grouped(line.units)} × ${grouped(line.price / 1000)} / 1,000`
        : `${grouped(line.units)} × ${grouped(line.price)} / M`,
      amount(line.units * line.price),
    ),
  );
  if (exact !== credits * MILLION) rows.push(row("rounded up", "", amount(credits * MILLION - exact)));
  return [
    ...rows,
    h(
      "tr",
      { class: "receipt-total" },
      h("th", { scope: "row" }, "charged"),
      h("td", { class: "soft number" }, dollars(credits)),
      h("td", { class: "end number" }, grouped(credits)),
    ),
  ];
}

function row(name, how, value) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    h("td", { class: "soft number" }, how),
    h("td", { class: "end number" }, value),
  );
}

function amount(millionths) {
  return (millionths / MILLION).toFixed(3);
}
