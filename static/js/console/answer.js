// An answer as it grows: the message so far, and when each block began and ended. Pure.
import { applied } from "../run/message.js";

const EMPTY = { content: [], usage: {}, model: "", stop_reason: null, stop_sequence: null };

export class Answer {
  constructor(message = null) {
    this.message = message;
    this.spans = []; // per block, in ms since the request
    this.error = null;
  }

  // `event` as run.js reports it; `at` is in ms since the request.
  apply(event, at) {
    const { name, data } = event;
    if (name === "error") this.error = data;
    if (!this.message && name !== "message_start") return;
    this.message = applied(this.message, event);
    if (name === "content_block_start") this.spans[data.index] = { from: at };
    if (name === "content_block_stop") this.spans[data.index].to = at;
  }

  // A non-streaming answer.
  set(message) {
    this.message = message;
  }

  get content() {
    return (this.message ?? EMPTY).content;
  }

  get usage() {
    return (this.message ?? EMPTY).usage;
  }

  get stopReason() {
    return (this.message ?? EMPTY).stop_reason;
  }

  get stopSequence() {
    return (this.message ?? EMPTY).stop_sequence;
  }

  toolCalls() {
    return this.content.filter((block) => block?.type === "tool_use");
  }

  text() {
    return this.content
      .filter((block) => block?.type === "text")
      .map((block) => block.text)
      .join("\n\n");
  }

  // Whether the answer can be sent back as a message of the assistant.
  isReusable() {
    return this.content.length > 0 && this.content.every((block) => block && block.partialJson === undefined);
  }
}
