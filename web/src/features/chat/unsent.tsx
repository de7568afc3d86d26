import { type ReactNode, useEffect, useState } from "react";
import type { Draft, Outgoing } from "@/api/kept";
import { stageOf, useOutbox } from "@/api/outbox";
import { Panel } from "@/ui/panel";
import { Age } from "@/ui/time";
import { complain } from "@/ui/toast";
import { allDrafts } from "./drafts";
import { KeptFiles } from "./file-view";
import { Standing } from "./standing";

/** Characters: enough to know which one it was. */
const SHOWN = 2_000;

/** What was written in this browser and the server does not have. */
export function Unsent() {
  const waiting = useOutbox().filter((message) => stageOf(message) !== "accepted");
  const drafts = useDrafts();
  if (drafts === null) return null;
  if (waiting.length + drafts.length === 0) return <p className="text-center text-sm">Nothing that you wrote waits here.</p>;
  return (
    <>
      <Some title="Waits to be sent">
        {waiting.map((message) => (
          <Written key={message.key} written={message} beside={<Age at={message.at} />}>
            <Fate message={message} />
          </Written>
        ))}
      </Some>
      <Some title="Not sent yet: what you were writing">
        {drafts.map((draft) => (
          <Written key={draft.workspaceId} written={draft} />
        ))}
      </Some>
    </>
  );
}

function useDrafts(): readonly Draft[] | null {
  const [drafts, setDrafts] = useState<readonly Draft[] | null>(null);
  useEffect(() => void allDrafts().then(setDrafts, complain), []);
  return drafts;
}

function Some({ title, children }: { title: string; children: readonly ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <Panel title={title} beside={<span className="text-xs text-ink-soft">{children.length}</span>}>
      <ul className="flex flex-col gap-4">{children}</ul>
    </Panel>
  );
}

function Written({ written: { to, text, files }, beside, children }: { written: Draft | Outgoing; beside?: ReactNode; children?: ReactNode }) {
  return (
    <li className="flex min-w-0 flex-col gap-1 text-sm">
      <p className="flex gap-2 text-xs text-ink-soft">
        <span className="min-w-0 flex-1 truncate">To {to ?? "an agent"}</span>
        {beside}
      </p>
      <p className="break-words whitespace-pre-wrap">{text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}</p>
      <KeptFiles files={files} />
      {children}
    </li>
  );
}

function Fate({ message }: { message: Outgoing }) {
  const stage = stageOf(message);
  return <Standing state={stage} words={stage === "waiting" ? "Goes out when there is a connection" : undefined} reason={message.refusal} />;
}
