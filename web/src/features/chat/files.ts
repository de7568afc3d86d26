import { type KeptFile, kept } from "@/api/kept";
import { newKey } from "@/api/key";
import { inBytes } from "@/ui/bytes";
import type { Entry } from "./entry";

const MIB = 2 ** 20;
const LARGEST = 25 * MIB;
const TOGETHER = 50 * MIB;

/** Controls, and what turns the direction of writing: with these a name looks like another one. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A name as it can be shown. */
function plainName(name: string): string {
  return name.replace(UNSEEN, "").trim() || "file";
}

/** Why a file can not go with those that are there, if so. */
export function unsendable({ name, size }: { name: string; size: number }, beside: readonly { size: number }[]): string | null {
  const [called, together] = [plainName(name), beside.reduce((sum, file) => sum + file.size, size)];
  if (size === 0) return `${called} is empty: there is nothing in it to send.`;
  if (size > LARGEST) return `${called} has ${inBytes(size)}; a file has at most ${inBytes(LARGEST)}.`;
  if (together > TOGETHER) return `With ${called} these files have ${inBytes(together)}; a message takes at most ${inBytes(TOGETHER)}.`;
  return null;
}

/** Puts the bytes of a file where a reload does not lose them. Raises a DOMException when this browser has no room, or can not read it. */
export async function keep(file: File): Promise<KeptFile> {
  const key = newKey();
  // Read now: what lies on the disk may be another one, or gone, by the time that it is sent.
  const bytes = new Blob([await file.arrayBuffer()], { type: file.type });
  await (await kept()).put("bytes", bytes, key);
  return { key, name: plainName(file.name), type: file.type, size: file.size, url: null };
}

export async function forget({ key }: KeptFile): Promise<void> {
  await (await kept()).delete("bytes", key);
}

/** A file of a message. */
export interface SentFile {
  readonly name: string;
  readonly type: string;
  readonly size: number | null;
  readonly url: string;
  /** It is on our server; others are not asked for anything without a press. */
  readonly ours: boolean;
}

const OURS = /^\/(files|workspaces)\//;

export function filesOf({ parts }: Pick<Entry, "parts">): SentFile[] {
  return parts.flatMap(({ url, filename, mediaType, metadata }) => {
    if (url === undefined) return [];
    const size = metadata?.["postroom.size"];
    const name = plainName(filename ?? url.split("/").at(-1) ?? "");
    return [{ name, type: mediaType ?? "", size: typeof size === "number" ? size : null, url, ours: OURS.test(url) }];
  });
}

/** To send it once more: the server has its bytes. */
export function sentAgain({ name, type, size, url }: SentFile): KeptFile {
  return { key: newKey(), name, type, size: size ?? 0, url };
}

const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp)$/;

export function isPicture({ type }: { type: string }): boolean {
  return SHOWN.test(type);
}
