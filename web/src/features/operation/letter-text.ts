import type { DeadLetter } from "@/api/dead-letters";

export const textOf = ({ parts }: DeadLetter) => parts.flatMap((part) => (typeof part.text === "string" ? [part.text] : [])).join("\n");

export interface LetterFile {
  name: string;
  /** Where its bytes are; null for what lies elsewhere than with us: what strangers name is not fetched. */
  url: string | null;
}

export function filesOf({ workspace, message_id, parts }: DeadLetter): readonly LetterFile[] {
  return parts.flatMap((part, number) => {
    const name = typeof part.filename === "string" && part.filename ? part.filename : `File ${number + 1}`;
    if (typeof part.raw === "string") return [{ name, url: `/workspaces/${workspace.id}/messages/${message_id}/parts/${number}` }];
    if (typeof part.url === "string") return [{ name, url: /^\/(files|workspaces)\//.test(part.url) ? part.url : null }];
    return [];
  });
}
