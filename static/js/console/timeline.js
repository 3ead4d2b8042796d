// The events of a call over time, one lane for each kind of block: SVG without text scaling.
import { svg } from "./dom.js";
import { blockTypes, laneOf } from "./event_rows.js";
import { duration } from "../run/figures.js";

const LANES = ["thinking", "redacted_thinking", "text", "tool_use", "message"];
const LABEL_PX = 64;
const LANE_PX = 23;
const TICK_PX = 13;
const TOP_PX = 20;
const FEWEST_MS = 10;
const MARK_PX = 150; // of "first token 12.34 s"

export function timeline(call, { width, chosen }) {
  const { events } = call;
  const blocks = blockTypes(events);
  const lanes = lanesOf(events, blocks);
  const end = Math.max(events.at(-1)?.at ?? 0, FEWEST_MS);
  const x = (at) => LABEL_PX + 4 + ((width - LABEL_PX - 12) * at) / end;
  const height = TOP_PX + lanes.length * LANE_PX + 22;
  return svg(
    "svg",
    {
      class: "timeline",
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `Arrival of ${events.length} events within ${duration(end)}`,
    },
    grid({ end, x, height }),
    lanes.map((lane, index) => laneRow({ lane, index, events, blocks, x })),
    firstToken(call, { x, height, width }),
    frame(chosen, { x, height }),
  );
}

function lanesOf(events, blocks) {
  const used = new Set(events.map((event) => laneOf(event, blocks)));
  const known = LANES.filter((lane) => used.has(lane));
  return [...known, ...[...used].filter((lane) => !LANES.includes(lane))];
}

// Ticks of one lane as one path, at most one for each pixel.
function laneRow({ lane, index, events, blocks, x }) {
  const top = TOP_PX + index * LANE_PX + (LANE_PX - TICK_PX) / 2;
  const places = new Set(
    events.filter((event) => laneOf(event, blocks) === lane).map((event) => Math.round(x(event.at) * 2) / 2),
  );
  const path = [...places].map((place) => `M${place} ${top}v${TICK_PX}`).join("");
  return [
    svg(
      "text",
      { x: LABEL_PX - 6, y: top + TICK_PX - 2, class: "lane-name" },
      lane.replace("redacted_thinking", "redacted").replace("tool_use", "tool"),
    ),
    svg("path", { d: path, class: `lane lane-${lane}` }),
  ];
}

function grid({ end, x, height }) {
  const step = stepOf(end);
  const marks = [];
  for (let at = 0; at <= end; at += step) marks.push(at);
  const label = (at) => (end < 1000 ? `${Math.round(at)} ms` : `${Number((at / 1000).toFixed(2))} s`);
  return marks.map((at) => [
    svg("path", { d: `M${x(at)} ${TOP_PX}V${height - 20}`, class: "grid-line" }),
    svg("text", { x: x(at), y: height - 6, class: at ? "axis axis-middle" : "axis" }, label(at)),
  ]);
}

// 1, 2 or 5 × 10ⁿ ms, for three to six marks.
function stepOf(end) {
  const rough = end / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

function firstToken({ firstTokenMs }, { x, height, width }) {
  if (firstTokenMs === null) return null;
  const at = x(firstTokenMs);
  const isRight = at + MARK_PX > width;
  return [
    svg("path", { d: `M${at} ${TOP_PX - 4}V${height - 20}`, class: "first-token" }),
    svg(
      "text",
      { x: at + (isRight ? -6 : 5), y: 13, class: isRight ? "mark mark-end" : "mark" },
      `first token ${duration(firstTokenMs)}`,
    ),
  ];
}

function frame(chosen, { x, height }) {
  if (!chosen) return null;
  const from = x(chosen[0].at) - 3;
  const to = x(chosen.at(-1).at) + 3;
  return svg("rect", {
    x: from,
    y: TOP_PX - 6,
    width: Math.max(7, to - from),
    height: height - TOP_PX - 12,
    rx: 2,
    class: "chosen-frame",
  });
}
