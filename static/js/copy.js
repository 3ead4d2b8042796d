// Copy buttons: <button data-copy="id"> copies the text of the element with that id.
const SHOWN_MS = 2000;

function say(text) {
  const status = document.getElementById("spoken");
  if (status) status.textContent = text;
}

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
  } catch {
    // No clipboard here (plain http, or refused): leave the text selected for the keyboard.
    select(source);
    say("Selected. Press Ctrl+C to copy.");
    return;
  }
  button.classList.add("is-copied");
  say("Copied.");
  setTimeout(() => {
    button.classList.remove("is-copied");
    say("");
  }, SHOWN_MS);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});
