// Keeps the current page visible in a long tree, and closes the lists of pages and headings once a link in them is followed.
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
