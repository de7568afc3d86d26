import { useCallback, useEffect, useRef, useState } from "react";
import { type Draft, type KeptFile, kept } from "@/api/kept";
import { allNoted, jot, noted, tear } from "@/api/notes";
import { outbox } from "@/api/outbox";
import { nameOf } from "@/api/workspaces";
import { complain } from "@/ui/toast";
import { forget, keep, unsendable } from "./files";

export type Writing = Pick<Draft, "text" | "files">;

const DRAFT = "draft.";
const BLANK: Writing = { text: "", files: [] };

/** What is being written to an agent, kept in this browser at every letter. */
export function useDraft(workspaceId: string) {
  const [draft, setDraft] = useState(BLANK);
  const [refused, setRefused] = useState("");
  const now = useRef<Writing | null>(null);
  const attaching = useRef(Promise.resolve());
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
    void save(workspaceId, now.current ?? BLANK).catch(complain);
  };
  // One after the other: what a file may have depends on those that are there, and reading one takes its time.
  const inTurn = (act: () => Promise<void>) => {
    attaching.current = attaching.current.then(act).catch(complain);
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
    attach: (files: readonly File[]) => inTurn(() => attach(files)),
    /** What is written becomes a file: it is too long for anything else. */
    asFile: () => inTurn(() => asFile(draft.text)),
    remove,
    /** It is on its way into the outbox, which takes it out of the drafts. */
    blank: () => {
      tear(DRAFT + workspaceId);
      show(BLANK);
    },
  };
}

/** A note is younger than what is in the store, and than all that was sent. */
export async function load(workspaceId: string): Promise<Writing> {
  const young = noted(DRAFT + workspaceId) as Draft | null;
  if (young !== null) return young;
  await outbox.load();
  return (await (await kept()).get("drafts", workspaceId)) ?? BLANK;
}

/** Whatever is being written, to anybody. */
export async function allDrafts(): Promise<Draft[]> {
  await outbox.load();
  const stored = (await (await kept()).getAll("drafts")).map((draft) => [draft.workspaceId, draft] as const);
  const young = (allNoted(DRAFT) as Draft[]).map((draft) => [draft.workspaceId, draft] as const);
  return [...new Map([...stored, ...young]).values()].filter((draft) => !isBlank(draft));
}

export async function save(workspaceId: string, { text, files }: Writing): Promise<void> {
  const draft: Draft = { workspaceId, to: nameOf(workspaceId), text, files };
  const unnote = jot(DRAFT + workspaceId, draft);
  const database = await kept();
  if (isBlank(draft)) await database.delete("drafts", workspaceId);
  else await database.put("drafts", draft);
  unnote();
}

function isBlank({ text, files }: Writing): boolean {
  return text === "" && files.length === 0;
}
