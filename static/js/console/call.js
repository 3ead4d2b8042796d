// One call: what was sent, what arrived and when, how it ended, and what it cost.
import { newName, recordOf, startRun } from "../run/run.js";
import { Answer } from "./answer.js";
import { config, emit, pageHeaders } from "./app.js";

const CONTENT = new Set(["text_delta", "thinking_delta", "input_json_delta"]);

export class Call {
  constructor({ number, request, onUpdate }) {
    this.number = number;
    this.name = newName();
    this.request = request;
    this.onUpdate = onUpdate;
    this.events = []; // { name, text, data, at, bytes }
    this.answer = new Answer();
    this.state = "waiting"; // streaming, ended
    this.ending = null; // completed, stopped, failed
    this.error = null; // { status, type, message, code, requestId }
    this.head = {};
    this.record = null;
    this.firstTokenMs = null;
    this.durationMs = null;
    this.controller = new AbortController();
  }

  // Resolves when the answer has ended; readRecord then tells what it cost.
  async run() {
    const wasOffline = !navigator.onLine;
    await startRun({
      url: config.urls.run,
      name: this.name,
      headers: pageHeaders(),
      body: JSON.stringify(this.request),
      signal: this.controller.signal,
      onHead: (head) => this.begin(head),
      onEvent: (event) => this.receive(event),
      onEnd: (end) => this.complete(end),
      onError: (error) => this.fail(error),
    });
    this.isUnsent = wasOffline && this.error?.kind === "network";
    this.state = "ended";
    this.onUpdate(this);
  }

  stop() {
    this.controller.abort();
  }

  begin({ status, requestId, route, held }) {
    this.head = { status, requestId, route, held };
    this.state = "streaming";
    this.onUpdate(this);
  }

  receive({ name, data, text, bytes, atMs }) {
    this.events.push({ name, text, data, bytes, at: atMs });
    if (!data) return;
    this.answer.apply({ name, data }, atMs);
    if (this.firstTokenMs === null && CONTENT.has(data.delta?.type)) this.firstTokenMs = atMs;
    this.onUpdate(this);
  }

  complete({ message, atMs }) {
    this.durationMs = atMs;
    if (message) this.answer.set(message);
    const { error } = this.answer;
    if (error) this.error = described(error, { status: this.head.status });
    this.ending = error ? "failed" : "completed";
  }

  fail({ kind, status, body, requestId, atMs }) {
    this.durationMs = atMs;
    this.ending = kind === "aborted" ? "stopped" : "failed";
    if (requestId) this.head.requestId = requestId;
    if (kind === "aborted") return;
    this.error = body?.error
      ? described(body, { status })
      : { kind, status, message: NETWORK[kind] ?? "The answer could not be read." };
    tellSession(status, this.error.code);
  }

  // The request record says what was charged. It is written before the last event of an answer; after
  // a stop, some moments later. Before an answer's first byte the page knows the call by its name alone.
  async readRecord() {
    if (!this.isRefused()) this.record = await recordOf(this.head.requestId ?? this.name);
    this.onUpdate(this);
  }

  // Refused before anything was asked of a model, or never sent: no charge, and no record of one.
  isRefused() {
    return this.isUnsent || (this.ending === "failed" && Boolean(this.error?.status) && this.head.status !== 200);
  }

  get isRunning() {
    return this.state !== "ended";
  }

  credits() {
    if (this.isRefused()) return 0;
    return this.record?.credits ?? this.answer.usage.credits_consumed ?? null;
  }

  held() {
    return this.record?.held ?? this.head.held ?? null;
  }

  usage() {
    return this.record ?? this.answer.usage;
  }

  inputTokens() {
    const {
      input_tokens: fresh = 0,
      cache_creation_input_tokens: stored = 0,
      cache_read_input_tokens: read = 0,
    } = this.usage();
    return fresh + stored + read;
  }

  firstMs() {
    return this.firstTokenMs ?? this.record?.first_byte_ms ?? null;
  }

  // Output tokens a second, from the first token to the end; null where that says nothing.
  speed() {
    if (this.record?.tokens_per_second) return this.record.tokens_per_second;
    const seconds = (this.durationMs - (this.firstTokenMs ?? 0)) / 1000;
    const tokens = this.usage().output_tokens;
    return tokens > 1 && seconds > 0 && this.firstTokenMs !== null ? tokens / seconds : null;
  }
}

// What any answer of ours says about the session, of a run or of a check.
export function tellSession(status, code) {
  if (status === 401) emit("signed-out");
  else if (code === "other_workspace") emit("other-workspace");
  else if (status) emit("signed-in");
}

const NETWORK = {
  network: "The connection failed before an answer came.",
  cut: "The connection was cut in the middle of the answer.",
};

function described({ error, request_id: requestId }, { status }) {
  return {
    status,
    type: error.type,
    message: error.message,
    code: error.details?.error_code ?? null,
    details: error.details ?? {},
    requestId,
  };
}
