// Shows how many credits an amount of dollars buys, as it is typed, and how many of them repay a debt.
// It reads amounts by the rule of billing/amounts.py.
const CREDITS_PER_CENT = 1000;
const DOLLARS = /^\s*\$?\s*([0-9]{1,9}|[0-9]{1,3}(?:[,\s][0-9]{3}){1,2})(?:\.([0-9]{0,2}))?\s*$/;

function cents(typed) {
  const found = DOLLARS.exec(typed);
  if (!found) return null;
  return Number(found[1].replace(/[,\s]/g, "")) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

function text(typed, owed) {
  const amount = cents(typed);
  if (amount === null) return "";
  const credits = amount * CREDITS_PER_CENT;
  const repaid = Math.min(owed, credits);
  const note = repaid ? `, ${repaid.toLocaleString("en-US")} of them repay what is owed` : "";
  return `= ${credits.toLocaleString("en-US")} credits${note}`;
}

for (const output of document.querySelectorAll("[data-credits-of]")) {
  const input = document.getElementById(output.dataset.creditsOf);
  const show = () => {
    output.textContent = text(input.value, Number(output.dataset.owed || 0));
  };
  input.addEventListener("input", show);
  show();
}
