// Sends a request from a page and reports its answer piece by piece. Draws nothing.
import { eventsOf } from "./sse.js";

export const RUN_URL = "/developers/console/run";

const nothing = () => {};

// Resolves when the run is over, and never rejects. `body` is the request, as an object or as JSON; `name` is
// a newName() by which the run's record is found too. All times are milliseconds since the start.
//
//   onHead({status, requestId, route, held, atMs})   a call that was accepted
//   onEvent({name, data, text, bytes, atMs})         each event of a stream, with pings and comments
//   onEnd({message, atMs})                           the end; `message` is the answer of a plain call, or null.
//                                                    An error in mid-stream is an event named "error" before it.
//   onError({kind, status, body, requestId, name, atMs})
//                                                    "http": refused with the API's error in `body`;
//                                                    "network": no answer; "cut": a stream without its end;
//                                                    "aborted": by `signal`
export async function startRun({
  url = RUN_URL,
  body,
  name = newName(),
  headers = {},
  csrf = null,
  signal = null,
  onHead = nothing,
  onEvent = nothing,
  onEnd = nothing,
  onError = nothing,
}) {
  const began = performance.now();
  const atMs = () => performance.now() - began;
  const failed = (kind, rest = {}) =>
    onError({ kind, status: null, body: null, requestId: null, name, ...rest, atMs: atMs() });
  const known = { status: null, requestId: null };
  try {
    const response = await send({ url, body, csrf, signal, headers: { ...headers, "caicaini-run-name": name } });
    known.status = response.status;
    known.requestId = response.headers.get("request-id");
    if (!response.ok) return failed("http", { ...known, body: await errorBody(response) });
    onHead({ ...known, ...headOf(response), atMs: atMs() });
    if (!isStream(response)) return onEnd({ message: await response.json(), atMs: atMs() });
    const last = await readEvents(response.body, (event) => onEvent({ ...event, atMs: atMs() }));
    if (last !== "message_stop" && last !== "error") return failed("cut", known);
    return onEnd({ message: null, atMs: atMs() });
  } catch (error) {
    if (signal?.aborted) return failed("aborted", known);
    if (!(error instanceof TypeError)) console.error(error);
    return failed(known.requestId ? "cut" : "network", known);
  }
}

// A name for one run, which nobody else can guess.
export function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `run_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// Returns what the books say of a run, by its request id or its name, or null. The record of a stopped run is
// written a moment after it.
export async function recordOf(requestId, { tries = 8 } = {}) {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    try {
      const response = await fetch(`/developers/console/runs/${requestId}`);
      if (response.status === 200) return await response.json();
      if (![204, 404].includes(response.status)) return null;
    } catch {
      return null;
    }
    await new Promise((resolve) => setTimeout(resolve, 150 * 2 ** Math.min(attempt, 4)));
  }
  return null;
}

// The cookie is read for each run: signing in again, in another tab too, changes it.
export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";
}

function send({ url, body, csrf, signal, headers }) {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrftoken": csrf ?? csrfToken(), ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  });
}

function headOf(response) {
  const held = response.headers.get("caicaini-credits-held");
  return { route: response.headers.get("caicaini-route"), held: held === null ? null : Number(held) };
}

function isStream(response) {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

async function errorBody(response) {
  try {
    return await response.json();
  } catch {
    return null; // a proxy's error page
  }
}

// Returns the name of the last event.
async function readEvents(stream, report) {
  let last = null;
  for await (const event of eventsOf(stream)) {
    if (event.name !== "comment") last = event.name;
    report(event);
  }
  return last;
}
