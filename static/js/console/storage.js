// Draft and history in this browser alone (localStorage), one store per person and workspace.
import { asDraft } from "./checked_draft.js";
import { filesOf, withoutFiles } from "./draft.js";

const LONGEST_DRAFT = 1_500_000;
const LONGEST_ENTRY = 60_000;
const MOST_ENTRIES = 20;

export class Storage {
  constructor(owner) {
    this.draftKey = `console.draft.${owner}`;
    this.historyKey = `console.history.${owner}`;
  }

  // Returns whether the draft was stored whole; files that are too large are left out.
  saveDraft(draft) {
    const dataLength = filesOf(draft).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    if (dataLength <= LONGEST_DRAFT) {
      const whole = JSON.stringify(draft);
      if (whole.length <= LONGEST_DRAFT && write(this.draftKey, whole)) return true;
    }
    write(this.draftKey, JSON.stringify(withoutFiles(draft)));
    return false;
  }

  // Returns the draft, or null if there is none that can be read.
  loadDraft(model) {
    try {
      return asDraft(read(this.draftKey), model);
    } catch {
      return null;
    }
  }

  // Returns the entries that can be read, newest first.
  history() {
    const found = read(this.historyKey);
    return Array.isArray(found) ? found.filter(isEntry) : [];
  }

  // Adds or replaces an entry { id, at, draft, calls, … }, newest first.
  keep(entry) {
    const small = fitting(entry);
    const others = this.history().filter((one) => one.id !== entry.id);
    let entries = [small, ...others].slice(0, MOST_ENTRIES);
    while (entries.length && !write(this.historyKey, JSON.stringify(entries))) entries = entries.slice(0, -1);
  }

  clearHistory() {
    localStorage.removeItem(this.historyKey);
  }
}

function isEntry(value) {
  return Array.isArray(value?.draft?.messages) && Array.isArray(value.models);
}

function fitting(entry) {
  const kept = { ...entry, draft: withoutFiles(entry.draft) };
  if (JSON.stringify(kept).length <= LONGEST_ENTRY) return kept;
  return { ...kept, calls: [], isAnswerDropped: true };
}

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null; // disabled, or damaged
  }
}

function write(key, text) {
  try {
    localStorage.setItem(key, text);
    return true;
  } catch {
    return false; // disabled, or full
  }
}
