// The Events tab: raw server-sent events with arrival times, a timeline above a table.
import { h, icon } from "./dom.js";
import { averageGap, blockTypes, longestGap, rowsOf, summaryOf } from "./event_rows.js";
import { bytes, counted, duration, grouped } from "../run/figures.js";
import { coloured, pretty } from "./json_text.js";
import { timeline } from "./timeline.js";

const ROWS_AT_ONCE = 500;
const NARROWEST_PX = 280;

// A name that may go on in a second line after an underscore.
const divisible = (name) => name.split("_").flatMap((part, place) => (place ? ["_", h("wbr"), part] : [part]));

export class EventsView {
  constructor() {
    this.element = h("div", { class: "events" });
    this.number = null; // of the call shown; null: the newest
    this.isGrouped = true;
    this.open = null; // "first-last" of the row whose data is shown
    this.shown = ROWS_AT_ONCE;
  }

  update(calls) {
    this.calls = calls;
    const call = calls.find(({ number }) => number === this.number) ?? calls.at(-1);
    if (!call)
      return this.element.replaceChildren(
        note("The raw events of an answer appear here, each with the moment it arrived."),
      );
    if (!call.events.length) return this.element.replaceChildren(this.head(call), note(without(call)));
    const rows = rowsOf(call.events, { isGrouped: this.isGrouped });
    const chosen = rows.find((row) => nameOf(row) === this.open)?.events;
    const width = Math.max(
      NARROWEST_PX,
      this.element.clientWidth || this.element.parentElement?.clientWidth - 40 || 600,
    );
    this.element.replaceChildren(this.head(call), timeline(call, { width, chosen }), this.table(rows, call));
  }

  again() {
    this.update(this.calls);
  }

  head(call) {
    const { events } = call;
    const size = events.reduce((sum, event) => sum + event.bytes, 0);
    const facts =
      events.length > 0 &&
      `${counted(events.length, "event")}, ${bytes(size)} in ${duration(events.at(-1).at)}; longest gap ${duration(longestGap(events))}`;
    const group = h(
      "button",
      {
        type: "button",
        class: "chip",
        "aria-pressed": String(this.isGrouped),
        onclick: () => this.toggleGroup(),
      },
      "Group deltas",
      this.isGrouped && icon("check"),
    );
    return h(
      "div",
      { class: "events-head" },
      this.calls.length > 1 && this.callSwitch(call),
      h("p", { class: "small soft" }, facts),
      events.length > 0 && group,
    );
  }

  callSwitch(current) {
    const choose = (number) => {
      this.number = number;
      this.open = null;
      this.again();
      this.element.querySelector(`[data-call="${number}"]`).focus();
    };
    const buttons = this.calls.map(({ number }) =>
      h(
        "button",
        {
          type: "button",
          "data-call": number,
          "aria-pressed": String(number === current.number),
          onclick: () => choose(number),
        },
        `Call ${number}`,
      ),
    );
    return h("div", { class: "segments", role: "group", "aria-label": "Call shown" }, buttons);
  }

  toggleGroup() {
    this.isGrouped = !this.isGrouped;
    this.open = null;
    this.again();
    this.element.querySelector(".chip").focus();
  }

  table(rows, call) {
    const blocks = blockTypes(call.events);
    const drawn = rows.slice(0, this.shown).map((row) => this.row(row, call, blocks));
    const rest = rows.length - this.shown;
    const more = () => {
      this.shown += ROWS_AT_ONCE;
      this.again();
    };
    const head = h(
      "tr",
      {},
      [
        ["#", "end"],
        ["ms", "end"],
        ["gap", "end"],
        ["Event", ""],
        ["Data", ""],
      ].map(([name, side]) => h("th", { scope: "col", class: side }, name)),
    );
    return h(
      "div",
      { class: "events-scroll" },
      h("table", { class: "events-table" }, h("thead", {}, head), h("tbody", {}, drawn)),
      rest > 0 &&
        h(
          "button",
          { type: "button", class: "button button-small", onclick: more },
          `Show more (${grouped(rest)})`,
        ),
    );
  }

  row(row, call, blocks) {
    const [event] = row.events;
    const count = row.events.length;
    const isOpen = this.open === nameOf(row);
    const before = row.first ? call.events[row.first - 1].at : null;
    const gap =
      count > 1
        ? `≈${Math.round(averageGap(row.events))}`
        : before === null
          ? ""
          : `+${Math.round(event.at - before)}`;
    const at = span(grouped(event.at), grouped(row.events.at(-1).at));
    const number = count > 1 ? `${row.first + 1}–${row.last + 1}` : row.first + 1;
    const name = h(
      "button",
      {
        type: "button",
        class: "event-name",
        "data-row": nameOf(row),
        "aria-expanded": String(isOpen),
        onclick: () => this.toggle(row),
      },
      icon("chevron", "fold-mark"),
      h("span", {}, count > 1 && `${count} × `, ...divisible(event.name)),
    );
    const summary =
      count > 1 ? `${blocks[event.data.index] ?? ""}, ${counted(count, "delta")}` : summaryOf(event, blocks);
    const line = h(
      "tr",
      { class: isOpen ? "is-chosen" : "" },
      h("td", { class: "end soft" }, String(number)),
      h("td", { class: "end" }, at),
      h("td", { class: "end soft" }, gap),
      h("td", {}, name),
      h("td", { class: "event-data soft" }, summary),
    );
    return isOpen
      ? [line, h("tr", { class: "event-detail" }, h("td", { colspan: "5" }, detail(row)))]
      : [line];
  }

  toggle(row) {
    this.open = this.open === nameOf(row) ? null : nameOf(row);
    this.again();
    this.element.querySelector(`[data-row="${nameOf(row)}"]`).focus();
  }
}

function span(from, to) {
  return from === to ? from : `${from}–${to}`;
}

function nameOf({ first, last }) {
  return `${first}-${last}`;
}

function detail({ events }) {
  if (events.length === 1)
    return h(
      "pre",
      { class: "code-text" },
      ...(events[0].data ? coloured(pretty(events[0].data)) : [events[0].text]),
    );
  const lines = events
    .slice(0, ROWS_AT_ONCE)
    .map((event) => `${String(Math.round(event.at)).padStart(7)} ms  ${summaryOf(event, {})}`);
  return h("pre", { class: "code-text" }, lines.join("\n"));
}

function note(text) {
  return h("p", { class: "soft" }, text);
}

function without(call) {
  if (call.isRestored) return "The history keeps no events. Run it again to see them.";
  if (call.isRunning) return "Waiting for the first event…";
  return call.request.stream
    ? "No event arrived."
    : "This answer was not streamed: it came as one JSON body. Set stream to on to see events.";
}
