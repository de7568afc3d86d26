import { replay } from "@/api/dead-letters";
import { newKey } from "@/api/key";
import { outbox } from "@/api/outbox";
import type { Entry } from "./entry";
import { filesOf, sentAgain } from "./files";

/** Bytes that one request may have (docs/http.md), less what is around the text. */
const MOST = 2 ** 20 - 2_048;

const BYTES = new TextEncoder();

/** Why a text can not be sent, if so. */
export function tooLong(text: string): string | null {
  // A character takes three bytes at most, six when it must be escaped.
  if (text.length * 6 <= MOST) return null;
  const size = BYTES.encode(JSON.stringify(text)).length;
  return size <= MOST ? null : `This text is too long: ${Math.ceil(size / 1_024)} KiB; a message has at most ${MOST / 1_024}. A file may have more.`;
}

/** Another message, the same words. What came to nothing is a dead letter, and the server sends these again: once, whoever asks, and whole. */
export async function again(workspaceId: string, entry: Entry): Promise<void> {
  if (entry.state === "failed" || entry.state === "expired") {
    await replay({ message_id: entry.id });
    return;
  }
  const files = filesOf(entry)
    .filter(({ url }) => url.startsWith("/files/"))
    .map(sentAgain);
  await outbox.add({ workspaceId, threadId: entry.thread_id, taskId: null, text: entry.content, files });
}

export const newThread = newKey;
