// Shows how many credits an amount of dollars buys, as it is typed.
const CREDITS_PER_CENT = 1000;

function credits(dollars) {
  if (!/^\d{1,7}(\.\d{0,2})?$/.test(dollars.trim())) return "";
  const cents = Math.round(Number(dollars) * 100);
  return `= ${(cents * CREDITS_PER_CENT).toLocaleString("en-US")} credits`;
}

for (const output of document.querySelectorAll("[data-credits-of]")) {
  const input = document.getElementById(output.dataset.creditsOf);
  const show = () => {
    output.textContent = credits(input.value);
  };
  input.addEventListener("input", show);
  show();
}
