import { useEffect, useRef, useState } from "react";
import { type Draft, kept } from "@/api/kept";
import { complain } from "@/ui/toast";

export type Writing = Omit<Draft, "workspaceId">;

export const BLANK: Writing = { text: "", files: [] };

/** What is being written to an agent, kept in this browser at every letter. */
export function useDraft(workspaceId: string): readonly [Writing, (next: Writing) => void, () => void] {
  const [writing, setWriting] = useState(BLANK);
  const touched = useRef(false);
  useEffect(() => {
    void load(workspaceId).then((draft) => {
      if (!touched.current) setWriting(draft);
    });
  }, [workspaceId]);
  const write = (next: Writing) => {
    touched.current = true;
    setWriting(next);
    void save(workspaceId, next).catch(complain);
  };
  /** It was sent: whoever sent it has put it away. */
  const clear = () => {
    touched.current = true;
    setWriting(BLANK);
  };
  return [writing, write, clear];
}

async function load(workspaceId: string): Promise<Writing> {
  return (await (await kept()).get("drafts", workspaceId)) ?? BLANK;
}

export async function save(workspaceId: string, { text, files }: Writing): Promise<void> {
  const database = await kept();
  if (text === "" && files.length === 0) await database.delete("drafts", workspaceId);
  else await database.put("drafts", { workspaceId, text, files });
}
