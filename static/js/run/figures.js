// Numbers as pages write them: 4,218,406; $0.00589; 0.64 s; 34 ms; 24 MB. See web/templatetags/display.py.
// Unknown is a dash.
const CREDITS_PER_DOLLAR = 100_000;

export function grouped(number) {
  return number === null || number === undefined
    ? "–"
    : Math.round(number).toLocaleString("en-US").replace("-", "−");
}

// Five decimals: of one call, a credit each; two: of a balance or a price.
export function dollars(credits, decimals = 5) {
  const sign = credits < 0 ? "−" : "";
  const amount = Math.abs(credits) / CREDITS_PER_DOLLAR;
  return `${sign}$${amount.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`;
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} KB`;
  return `${(count / 1_000_000).toFixed(count < 10_000_000 ? 1 : 0)} MB`;
}

export function counted(number, word) {
  return `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
}
