// Places a popover beside the button that opened it, and makes menus.
import { h, iconButton, icon } from "./dom.js";

const GAP_PX = 4;
let lastId = 0;

function place(popover, anchor) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const left = Math.min(at.left, innerWidth - width - GAP_PX * 2);
  const isBelow = at.bottom + GAP_PX + height <= innerHeight || at.top < height;
  popover.style.left = `${Math.max(GAP_PX * 2, left)}px`;
  popover.style.top = `${isBelow ? Math.min(at.bottom + GAP_PX, Math.max(GAP_PX, innerHeight - height - GAP_PX)) : at.top - height - GAP_PX}px`;
  popover.style.visibility = "";
}

// Keeps it at its button while it is open: a phone may be turned, a window made narrower.
function keepPlaced(popover, anchor) {
  const again = () => place(popover, anchor);
  popover.addEventListener("toggle", (event) => {
    if (event.newState === "open") addEventListener("resize", again);
    else removeEventListener("resize", again);
  });
}

// A popover can be measured once it is open, a moment after it opens: until then it is not seen.
function hideUntilPlaced(event) {
  if (event.newState === "open") event.currentTarget.style.visibility = "hidden";
}

// Places a popover of the page each time it opens; `fill` is called before.
export function prepare(popover, fill = () => {}) {
  const opener = document.querySelector(`[popovertarget="${popover.id}"]`);
  opener.setAttribute("aria-haspopup", "dialog");
  popover.addEventListener("beforetoggle", hideUntilPlaced);
  popover.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") fill();
  });
  popover.addEventListener("toggle", (event) => {
    opener.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "open") place(popover, opener);
  });
  keepPlaced(popover, opener);
  opener.setAttribute("aria-expanded", "false");
}

// A button that opens a menu; items are { label, icon, run, isBad } or null.
export function menuButton(label, items) {
  lastId += 1;
  const id = `menu-${lastId}`;
  const menu = h("div", {
    id,
    popover: "auto",
    role: "menu",
    "aria-label": label,
    class: "popover menu-popover",
    onkeydown: moveInMenu,
  });
  const button = iconButton("dots", label, null, { popovertarget: id, "aria-haspopup": "menu" });
  menu.append(...items.filter(Boolean).map((item) => menuItem(item, menu)));
  menu.addEventListener("beforetoggle", hideUntilPlaced);
  keepPlaced(menu, button);
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    place(menu, button);
    menu.querySelector("[role=menuitem]:not(:disabled)").focus();
  });
  return [button, menu];
}

function menuItem({ label, icon: name, run, isBad, isDisabled }, menu) {
  const choose = () => {
    menu.hidePopover();
    run();
  };
  const bad = isBad ? " link-danger" : "";
  return h(
    "button",
    {
      type: "button",
      role: "menuitem",
      tabindex: "-1",
      class: `menu-item${bad}`,
      onclick: choose,
      disabled: isDisabled,
    },
    icon(name),
    label,
  );
}

function moveInMenu(event) {
  const items = [...event.currentTarget.querySelectorAll("[role=menuitem]:not(:disabled)")];
  const here = items.indexOf(document.activeElement);
  const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") event.currentTarget.hidePopover();
  if (next === undefined) return;
  event.preventDefault();
  items[(next + items.length) % items.length].focus();
}

export function isAnyOpen() {
  return document.querySelector(":popover-open, dialog[open]") !== null;
}
