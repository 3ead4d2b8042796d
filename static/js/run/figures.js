// Numbers as pages write them: see the filters in web/templatetags/display.py.
const CREDITS_PER_DOLLAR = 100_000;

export function grouped(number) {
  return number.toLocaleString("en-US");
}

// Dollars of one call: always five decimals, a credit each.
export function dollars(credits) {
  return `$${(credits / CREDITS_PER_DOLLAR).toFixed(5)}`;
}

export function duration(ms) {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

export function counted(number, word) {
  return `${grouped(number)} ${word}${number === 1 ? "" : "s"}`;
}
