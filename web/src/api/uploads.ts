import { useSyncExternalStore } from "react";
import type { Schemas } from "./client";
import type { KeptFile } from "./kept";
import { Problem, Unreachable } from "./problem";

/** Milliseconds without a byte of progress: then nobody is there any more. A slow line that moves is patience's to bear. */
const SILENCE = 60_000;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/;

/** How much of each file is there, from 0 to 1, by its key; those that are on their way. */
let progress: ReadonlyMap<string, number> = new Map();
const watchers = new Set<() => void>();

function show(key: string, part: number | null): void {
  const next = new Map(progress);
  if (part === null) next.delete(key);
  else next.set(key, part);
  progress = next;
  for (const changed of watchers) changed();
}

export function useProgress(key: string): number | undefined {
  return useSyncExternalStore(
    (changed) => {
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    () => progress.get(key),
  );
}

/** Hands a file to the server; its address there. The same key again is the same file. Raises Problem and Unreachable. */
export async function upload(file: KeptFile, bytes: Blob): Promise<string> {
  show(file.key, 0);
  try {
    return (await post(file, bytes)).url;
  } finally {
    show(file.key, null);
  }
}

/** With XMLHttpRequest, because `fetch` does not tell how far it is. */
function post(file: KeptFile, bytes: Blob): Promise<Schemas["FileShape"]> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    let silence = setTimeout(() => sending.abort(), SILENCE);
    sending.open("POST", `/files?${new URLSearchParams({ name: file.name })}`);
    sending.setRequestHeader("Idempotency-Key", file.key);
    sending.setRequestHeader("Content-Type", MEDIA_TYPE.test(file.type) ? file.type : "application/octet-stream");
    sending.upload.onprogress = ({ loaded, total }) => {
      clearTimeout(silence);
      silence = setTimeout(() => sending.abort(), SILENCE);
      show(file.key, loaded / total);
    };
    sending.onloadend = () => {
      clearTimeout(silence);
      const body = bodyOf(sending);
      if (sending.status === 0) reject(new Unreachable("the upload broke off"));
      else if (sending.status >= 300) reject(new Problem(sending.status, body, Number(sending.getResponseHeader("Retry-After")) || null));
      else resolve(body as Schemas["FileShape"]);
    };
    sending.send(bytes);
  });
}

function bodyOf({ responseText }: XMLHttpRequest): Record<string, unknown> {
  try {
    return JSON.parse(responseText) as Record<string, unknown>;
  } catch {
    // Something between us and the server answered: the status says what there is to say.
    return {};
  }
}
