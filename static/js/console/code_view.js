// The Code tab: the call in curl, Python and TypeScript; and the Request tab: its exact JSON.
import { config } from "./app.js";
import { callout, h } from "./dom.js";
import { codeFor } from "./code.js";
import { bytes } from "../run/figures.js";
import { coloured, pretty, withoutData } from "./json_text.js";

const LANGUAGES = { curl: "curl", python: "Python", typescript: "TypeScript" };

function stored() {
  const { language } = document.documentElement.dataset;
  return language in LANGUAGES ? language : "curl";
}

function remember(language) {
  document.documentElement.dataset.language = language;
  try {
    localStorage.setItem("language", language);
  } catch {
    // Storage is disabled: the choice is lost with the page.
  }
}

export class CodeView {
  constructor() {
    this.element = h("div", { class: "code-view" });
  }

  update(shown) {
    this.shown = shown;
    if (!shown)
      return this.element.replaceChildren(
        h("p", { class: "soft" }, "The code of the call appears here, once the request is complete."),
      );
    const code = codeFor(shown.request, config.baseUrl);
    const language = stored();
    this.text = code[language];
    const key = h(
      "p",
      { class: "small soft" },
      shown.from,
      "It reads the key from ",
      h("code", {}, "CAICAINI_API_KEY"),
      ".",
    );
    const cut =
      code.isElided &&
      callout(
        "info",
        h("p", {}, "The data of images and documents is cut here, so this needs yours before it runs."),
      );
    this.element.replaceChildren(
      h("div", { class: "events-head" }, this.languages(language), key),
      cut || "",
      h(
        "pre",
        {
          class: "code-text code-block",
          tabindex: "0",
          role: "region",
          "aria-label": `Code in ${LANGUAGES[language]}`,
        },
        this.text,
      ),
    );
  }

  languages(current) {
    const choose = (language) => {
      remember(language);
      this.update(this.shown);
      this.element.querySelector(`[data-code="${language}"]`).focus();
    };
    const buttons = Object.entries(LANGUAGES).map(([language, label]) =>
      h(
        "button",
        {
          type: "button",
          "data-code": language,
          "aria-pressed": String(language === current),
          onclick: () => choose(language),
        },
        label,
      ),
    );
    return h("div", { class: "segments", role: "group", "aria-label": "Language" }, buttons);
  }
}

export class RequestView {
  constructor() {
    this.element = h("div", { class: "request-view" });
  }

  update(shown) {
    this.text = "";
    if (!shown)
      return this.element.replaceChildren(
        h("p", { class: "soft" }, "The exact JSON of the request appears here, once it is complete."),
      );
    const { copy, elided } = withoutData(shown.request);
    this.text = pretty(shown.request);
    const size = bytes(new Blob([JSON.stringify(shown.request)]).size);
    const what = `${shown.number ? `Call ${shown.number}` : "Not run yet"}: POST /v1/messages`;
    this.element.replaceChildren(
      h(
        "p",
        { class: "small soft" },
        `${what}, ${size}`,
        elided > 0 && ". Long data is cut here, not in what is sent, and not in what Copy takes.",
      ),
      h(
        "pre",
        { class: "code-text code-block", tabindex: "0", role: "region", "aria-label": "The request's JSON" },
        ...coloured(pretty(copy)),
      ),
    );
  }
}
