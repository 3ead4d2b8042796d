// Copies a page's Markdown (<button data-copy-from="address">) and links to headings (<a data-copy-link>).
const SHOWN_MS = 2000;

function say(text) {
  document.getElementById("spoken").textContent = text;
}

function confirm(element, text) {
  element.classList.add("is-copied");
  say(text);
  setTimeout(() => {
    element.classList.remove("is-copied");
    say("");
  }, SHOWN_MS);
}

async function textAt(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}

async function copyFrom(button) {
  const address = button.dataset.copyFrom;
  try {
    // The promise goes into the clipboard item: after an await, Safari no longer counts the click.
    const blob = textAt(address).then((text) => new Blob([text], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    confirm(button, "Copied the page as Markdown.");
  } catch {
    location.href = address; // no clipboard here, or the page could not be fetched: show it instead
  }
}

async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link.href);
    confirm(link, "Copied the link.");
  } catch {
    // No clipboard here: the link has moved the page, so the address bar has it.
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-from]");
  if (button) copyFrom(button);
  const link = event.target.closest("[data-copy-link]");
  if (link) copyLink(link);
});
