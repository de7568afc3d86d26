import { erase, names, read, write } from "./storage";

/**
 * What was written a moment ago, put down at once: IndexedDB takes its time, and a page may be gone any instant. A note goes when IndexedDB
 * has what it says. Where a browser gives it no room, only that moment is unguarded.
 */
const PLACE = "postroom.note.";

/** Returns what takes this note away again, unless another one has taken its place. */
export function jot(name: string, what: unknown): () => void {
  const text = JSON.stringify(what);
  write(PLACE + name, text);
  return () => {
    if (read(PLACE + name) === text) tear(name);
  };
}

export function tear(name: string): void {
  erase(PLACE + name);
}

export function noted(name: string): unknown {
  return JSON.parse(read(PLACE + name) ?? "null");
}

/** All notes of a kind, whose names begin with it; in no order. */
export function allNoted(kind: string): unknown[] {
  const ours = names().filter((name) => name.startsWith(PLACE + kind));
  return ours.map((name) => noted(name.slice(PLACE.length)));
}

/** When another tab notes something of this kind. */
export function onNote(kind: string, heard: () => void): void {
  addEventListener("storage", ({ key, newValue }) => {
    if (key?.startsWith(PLACE + kind) && newValue !== null) heard();
  });
}
