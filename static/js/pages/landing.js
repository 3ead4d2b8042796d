// The landing page: other recorded answers, and a live one in the place of a recorded one.
import { duration, grouped } from "../run/figures.js";
import { startRun } from "../run/run.js";
import { RunView } from "../run/view.js";

const TOKENS_PER_PRICE_UNIT = 1_000_000;
const TEXTS = {
  done: "Live, just now",
  stopped: "Stopped",
  failed: "It did not run",
  first: (ms) => duration(ms),
  total: (ms) => duration(ms),
  tokens: ({ read, output }) => `${grouped(read)} in, ${grouped(output)} out`,
  held: (held) => `of at most ${grouped(held)} held`,
};
const NOTHING_RAN = ["http", "network"];
// After these codes there is nothing to run for a while; what was recorded stays.
const CLOSED = ["demo_budget_spent", "demo_closed", "route_not_found"];

const proofs = [...document.querySelectorAll("[data-proof]")];
const recorded = new Map(proofs.map((proof) => [proof, proof.cloneNode(true)]));
let stop = null;

// Shows the recording again in a card that a live run has filled.
function restored(proof) {
  const copy = recorded.get(proof).cloneNode(true);
  copy.classList.toggle("is-behind", proof.classList.contains("is-behind"));
  recorded.set(copy, recorded.get(proof));
  proofs[proofs.indexOf(proof)] = copy;
  proof.replaceWith(copy);
  return copy;
}

function next(proof) {
  stop?.abort();
  const place = proofs.indexOf(proof);
  if (proof.dataset.runState) restored(proof);
  const shown = proofs[(place + 1) % proofs.length];
  for (const other of proofs) other.classList.toggle("is-behind", other !== shown);
  shown.querySelector("[data-proof-next]").focus();
}

async function run(proof, button) {
  if (stop) return stop.abort();
  const mine = (stop = new AbortController());
  const view = new RunView(proof, { canReadRecords: false, texts: TEXTS });
  view.begin();
  label(button, "Stop");
  await startRun({
    url: `/demo/run?question=${proof.dataset.question}`,
    body: "",
    signal: mine.signal,
    onHead: (head) => view.head(head),
    onEvent: (event) => view.event(event),
    onEnd: (end) => view.end(end).then(() => sum(proof, view.usage, view.model)),
    onError: (error) => (NOTHING_RAN.includes(error.kind) ? refused(proof, error) : view.error(error)),
  });
  stop = null;
  label(button, "Run it live");
}

// Nothing ran: the recording comes back, with the reason under it.
async function refused(proof, error) {
  const shown = restored(proof);
  await new RunView(shown, { canReadRecords: false, texts: TEXTS }).explain(error);
  if (CLOSED.includes(error.body?.error?.details?.error_code)) {
    for (const button of document.querySelectorAll("[data-proof-run]")) button.remove();
    for (const copy of recorded.values()) copy.querySelector("[data-proof-run]")?.remove();
  }
}

function sum(proof, usage, model) {
  const price = JSON.parse(document.getElementById("landing-prices").textContent)[model];
  const place = proof.querySelector('[data-run-slot="sum"]');
  if (!price || !usage) return place.replaceChildren("–");
  const millionths =
    usage.input_tokens * price.input +
    usage.output_tokens * price.output +
    (usage.cache_creation_input_tokens ?? 0) * price.cache_write +
    (usage.cache_read_input_tokens ?? 0) * price.cache_read;
  const credits = millionths / TOKENS_PER_PRICE_UNIT;
  return place.replaceChildren(`${Number(credits.toFixed(3)).toLocaleString("en-US")}, rounded up`);
}

function label(button, text) {
  button.querySelector("[data-run-label]").textContent = text;
}

document.addEventListener("click", (event) => {
  const proof = event.target.closest("[data-proof]");
  if (event.target.closest("[data-proof-next]")) next(proof);
  const button = event.target.closest("[data-proof-run]");
  if (button) run(proof, button);
});
