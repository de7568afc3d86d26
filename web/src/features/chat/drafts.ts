import { useCallback, useEffect, useRef, useState } from "react";
import { type Draft, type KeptFile, kept } from "@/api/kept";
import { complain } from "@/ui/toast";
import { forget, keep, unsendable } from "./files";

export type Writing = Omit<Draft, "workspaceId">;

const BLANK: Writing = { text: "", files: [] };

/** What is being written to an agent, kept in this browser at every letter. */
export function useDraft(workspaceId: string) {
  const [draft, setDraft] = useState(BLANK);
  const [refused, setRefused] = useState("");
  const now = useRef<Writing | null>(null);
  const show = useCallback((next: Writing) => {
    now.current = next;
    setDraft(next);
  }, []);
  useEffect(() => {
    void load(workspaceId).then((found) => {
      // Whoever has begun to write meanwhile goes on with that.
      if (now.current === null) show(found);
    }, complain);
  }, [workspaceId, show]);
  const write = (news: Partial<Writing>) => {
    setRefused("");
    show({ ...(now.current ?? BLANK), ...news });
    void save({ workspaceId, ...(now.current ?? BLANK) }).catch(complain);
  };
  const attach = async (files: readonly File[]) => {
    const whys: string[] = [];
    for (const file of files) {
      const why = unsendable(file, now.current?.files ?? []);
      if (why !== null) whys.push(why);
      else {
        const its = await keep(file);
        write({ files: [...(now.current?.files ?? []), its] });
      }
    }
    setRefused(whys.join(" "));
  };
  const asFile = async (text: string) => {
    const file = await keep(new File([text], "message.txt", { type: "text/plain" }));
    write({ text: "", files: [...(now.current?.files ?? []), file] });
  };
  const remove = (file: KeptFile) => {
    write({ files: (now.current?.files ?? []).filter(({ key }) => key !== file.key) });
    void forget(file).catch(complain);
  };
  return {
    draft,
    /** Why the files that were attached last are not there. */
    refused,
    write,
    attach: (files: readonly File[]) => void attach(files).catch(complain),
    /** What is written becomes a file: it is too long for anything else. */
    asFile: () => void asFile(draft.text).catch(complain),
    remove,
    /** What is in the store is there already, or is put away by somebody else. */
    show,
    blank: () => show(BLANK),
  };
}

export async function load(workspaceId: string): Promise<Writing> {
  return (await (await kept()).get("drafts", workspaceId)) ?? BLANK;
}

export async function save(draft: Draft): Promise<void> {
  const database = await kept();
  if (draft.text === "" && draft.files.length === 0) await database.delete("drafts", draft.workspaceId);
  else await database.put("drafts", draft);
}
