import type { ReactNode } from "react";
import { Fact, Facts } from "@/ui/panel";
import { Copy } from "@/ui/copy";
import { Age, full } from "@/ui/time";
import type { Delegation } from "./delegations";

export function DelegationDetail({ one }: { one: Delegation }) {
  return (
    <div className="flex flex-col gap-2 py-1">
      <Outcome one={one} />
      <Particulars one={one} />
    </div>
  );
}

/** How far it is, what came of it, or why nothing did. */
function Outcome({ one: { progress, result, error, ended_at } }: { one: Delegation }) {
  if (result !== null) return <Said title="The answer" text={result.text} files={filesAmong(result.parts)} />;
  if (error !== null) return <Said title="Why there is no answer" text={error.detail} bad />;
  if (ended_at !== null || progress === null) return null;
  return (
    <Said
      title={
        <>
          So far, <Age at={progress.at} />
        </>
      }
      text={progress.text || (progress.status ?? "")}
    />
  );
}

function Particulars({ one }: { one: Delegation }) {
  const { created_at, ended_at, deadline, chain, parts } = one;
  return (
    <Facts>
      <Fact name="Asked">{full(created_at)}</Fact>
      {ended_at === null ? <Fact name="Expires">{full(deadline)}</Fact> : <Fact name="Ended">{full(ended_at)}</Fact>}
      {chain.length > 1 && <Fact name="On behalf of">{chain.map(({ name }) => name).join(" → ")}</Fact>}
      <Fact name="The end">{endOf(one)}</Fact>
      {filesAmong(parts) > 0 && <Fact name="Files">{filesAmong(parts)} with the question</Fact>}
    </Facts>
  );
}

/** How it comes to who asked, or came. */
function endOf({ report, ended_at, source: { name } }: Delegation): string {
  if (ended_at === null) return report ? `comes as post to ${name}` : `${name} waits for it`;
  return report ? `came as post to ${name}` : `${name} waited for it`;
}

const filesAmong = (parts: Delegation["parts"]) => parts.filter((part) => "raw" in part || "url" in part).length;

function Said({ title, text, files = 0, bad = false }: { title: ReactNode; text: string; files?: number; bad?: boolean }) {
  return (
    <section className="rounded-lg border border-line bg-surface">
      <header className="flex items-center justify-between gap-2 pl-3 text-xs text-ink-soft">
        <h3>{title}</h3>
        <Copy text={text} />
      </header>
      <p className={`max-h-60 overflow-y-auto px-3 pb-2 text-sm break-words whitespace-pre-wrap ${bad ? "text-bad" : ""}`}>
        {text}
        {files > 0 && <span className="block text-xs text-ink-soft">{files === 1 ? "and a file" : `and ${files} files`}: see the traffic</span>}
      </p>
    </section>
  );
}
