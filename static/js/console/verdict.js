// One sentence about a comparison: which model is cheaper, which is faster. Pure.
import { shortName } from "./short_texts.js";
import { grouped } from "../run/figures.js";

// Returns [sentence, note].
export function verdict(columns) {
  if (columns.length < 2) return [];
  const runs = columns.map(({ model, calls }) => ({ name: shortName(model), call: calls.at(-1) }));
  if (runs.some(({ call }) => !call))
    return ["One request, two models", "Run both to compare price and time."];
  if (runs.some(({ call }) => call.isRunning))
    return ["Running both…", "The sentence about price and time comes at the end."];
  const failed = runs.filter(({ call }) => call.ending !== "completed");
  if (failed.length)
    return [
      `${failed.map(({ name }) => name).join(" and ")} did not finish`,
      "Price and time can be compared once both have answered.",
    ];
  return [compared(runs), scale(runs)];
}

function compared(runs) {
  const cheap = cheaper(runs);
  const fast = faster(runs);
  if (!cheap && !fast) return "Both cost the same and took the same time.";
  if (cheap && fast && cheap.name === fast.name) return `${cheap.name}: ${cheap.text}, ${fast.text}.`;
  return (
    [cheap ?? { text: "both cost the same" }, fast ?? { text: "both took the same time" }]
      .map(({ name, text }) => (name ? `${name} is ${text}` : text))
      .join("; ")
      .replace(/^./, (first) => (cheap ? first : first.toUpperCase())) + "."
  );
}

function cheaper([a, b]) {
  const [low, high] = ordered(a, b, (run) => run.call.credits());
  const [least, most] = [low.call.credits(), high.call.credits()];
  if (least === most) return null;
  return { name: low.name, text: `${Math.round(100 * (1 - least / most))}% cheaper` };
}

function faster([a, b]) {
  const [quick, slow] = ordered(a, b, (run) => run.call.durationMs);
  const ratio = (slow.call.durationMs / Math.max(1, quick.call.durationMs)).toFixed(1);
  return ratio === "1.0" ? null : { name: quick.name, text: `${ratio} times as fast` };
}

function ordered(a, b, of) {
  return of(a) <= of(b) ? [a, b] : [b, a];
}

function scale(runs) {
  const most = runs.reduce((best, run) => ((run.call.held() ?? 0) > (best.call.held() ?? 0) ? run : best));
  return `Bars share one scale: the most ${most.name} could have cost, ${grouped(most.call.held())} credits.`;
}
