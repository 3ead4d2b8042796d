// Closes a menu (<details class="menu">) on Escape, on a click elsewhere, and when it loses focus.
function close(menu, { andFocus }) {
  menu.open = false;
  if (andFocus) menu.querySelector("summary").focus();
}

for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) close(menu, { andFocus: true });
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu, { andFocus: false });
  });
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target)) close(menu, { andFocus: false });
  });
}
