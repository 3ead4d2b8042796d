// The foot of a column: what the calls cost, as number, bar and words.
import { app } from "./app.js";
import { h } from "./dom.js";
import { dollars, duration, grouped } from "../run/figures.js";

// `scale` is what the whole length stands for, in credits: the most that the calls could cost.
export function costFoot(calls, { scale = null, isCompared = false } = {}) {
  const charged = sum(calls, (call) => call.credits());
  const held = sum(calls, (call) => (call.isRefused() ? 0 : call.held()));
  const isRunning = calls.some((call) => call.isRunning);
  const total = Math.max(scale ?? held, charged, 1);
  return [
    h("div", { class: "cost-head" }, amount(charged, calls), words(held, charged, isRunning)),
    bar(calls, { total, held, charged, isRunning }),
    isCompared ? facts(calls[0]) : legend(calls),
  ];
}

function sum(calls, of) {
  return calls.reduce((total, call) => total + (of(call) ?? 0), 0);
}

function amount(charged, calls) {
  const isKnown = calls.some((call) => call.credits() !== null);
  const text = isKnown ? grouped(charged) : "–";
  return h(
    "p",
    { class: "cost-amount" },
    h("strong", { class: "number" }, text),
    h("span", { class: "soft number" }, isKnown ? ` credits · ${dollars(charged)}` : " credits"),
  );
}

function words(held, charged, isRunning) {
  if (!held) return h("p", { class: "small soft" }, "nothing held");
  if (isRunning) return h("p", { class: "small soft" }, `of at most ${grouped(held)}, held until it ends`);
  return h(
    "p",
    { class: "small soft" },
    `of at most ${grouped(held)} held; ${grouped(Math.max(0, held - charged))} released`,
  );
}

function bar(calls, { total, held, charged, isRunning }) {
  const element = h("div", { class: "cost-bar", "aria-hidden": "true" });
  calls.forEach((call, index) => add(element, `cost-part cost-${index % 8}`, call.credits(), total));
  add(element, `cost-part ${isRunning ? "cost-held" : "cost-released"}`, held - charged, total);
  return element;
}

function add(element, className, credits, total) {
  if (!credits || credits <= 0) return;
  const part = h("span", { class: className });
  part.style.width = `${(100 * credits) / total}%`;
  element.append(part);
}

function legend(calls) {
  const balance = calls.findLast((call) => call.record)?.record.balance_after ?? app.balance;
  const parts = calls.map((call, index) =>
    h(
      "span",
      {},
      h("span", { class: `swatch cost-${index % 8}`, "aria-hidden": "true" }),
      ` call ${call.number} `,
      h("span", { class: "soft number" }, grouped(call.credits())),
    ),
  );
  const left =
    balance !== undefined &&
    balance !== null &&
    h(
      "span",
      { class: "cost-balance" },
      h("span", { class: "soft" }, "balance "),
      h("strong", { class: "number" }, grouped(balance)),
    );
  return h("div", { class: "cost-legend small" }, parts, left);
}

function facts(call) {
  const { usage } = call.answer;
  const isKnown = usage.output_tokens !== undefined;
  const rows = [
    ["First token", duration(call.firstMs())],
    ["Total", duration(call.durationMs)],
    ["Speed", call.speed() ? `${grouped(call.speed())} tok/s` : "–"],
    [
      "Tokens",
      isKnown ? `${grouped(call.inputTokens())} in, ${grouped(call.usage().output_tokens)} out` : "–",
    ],
    [
      "Ended",
      call.isRunning ? "running" : call.ending === "completed" ? call.answer.stopReason : call.ending,
    ],
  ];
  return h(
    "dl",
    { class: "compared-facts" },
    rows.map(([name, value]) =>
      h("div", {}, h("dt", { class: "soft" }, name), h("dd", { class: "number" }, value)),
    ),
  );
}
