// Keeps the current page visible in a long tree, closes the lists of pages and headings once a link in them is
// followed, and unfolds what a link leads to.
const tree = document.getElementById("docs-tree");
const current = tree?.querySelector("[aria-current]");

if (current && tree.scrollHeight > tree.clientHeight) {
  tree.scrollTop = current.offsetTop - tree.clientHeight / 2;
}

for (const list of document.querySelectorAll("nav[popover]")) {
  list.addEventListener("click", (event) => {
    if (event.target.closest("a") && list.matches(":popover-open")) list.hidePopover();
  });
}

function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target?.closest("details:not([open])");
  if (!folded) return;
  for (let at = folded; at; at = at.parentElement.closest("details")) at.open = true;
  target.scrollIntoView();
}

addEventListener("hashchange", unfold);
unfold();
