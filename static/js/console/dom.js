// Builds elements: h("p", { class: "soft" }, "text", child). Text always becomes a text node.
const SVG = "http://www.w3.org/2000/svg";

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else element.setAttribute(name, value === true ? "" : value);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...children.flat(2).filter((child) => child || child === 0));
  return element;
}

// `attributes` may hold listeners: { onclick: (event) => … }. Null, undefined and false are left out.
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// An icon that templates/console/console.html defines with {% icon_symbols %}.
export function icon(name, className = "") {
  return svg(
    "svg",
    { class: `icon ${className}`, viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("use", { href: `#icon-${name}` }),
  );
}

export function iconButton(name, label, onclick, attributes = {}) {
  return h(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes },
    icon(name),
  );
}

export function callout(level, ...children) {
  return h(
    "div",
    { class: `callout callout-${level}` },
    icon(level === "info" ? "info" : "alert"),
    h("div", { class: "callout-text" }, ...children),
  );
}

// Says a sentence once to screen readers.
export function say(text) {
  const status = document.getElementById("spoken");
  status.textContent = "";
  requestAnimationFrame(() => {
    status.textContent = text;
  });
}

export function byId(id) {
  return document.getElementById(id);
}
