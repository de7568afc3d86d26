import { ArrowDown } from "lucide-react";
import { type RefObject, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Outgoing } from "@/api/kept";
import { useSession } from "@/api/session";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import type { History, Shown } from "./history";
import { useOpenedAt, useReadMark } from "./read-mark";
import { EntryMessage, OutgoingMessage } from "./message";
import { rowsOf } from "./rows";

interface Props {
  history: History;
  shown: Shown;
  workspaceId: string;
  name: string;
  onEdit?: ((message: Outgoing) => void) | undefined;
}

/** Pixels: as near to an end as this, the next page is fetched. */
const NEAR = 800;
/** Pixels from the bottom at which one still reads along. */
const AT_END = 48;

/** The messages, the newest at the bottom. Who reads the newest stays with it; who reads further up keeps the place. */
export function Conversation({ history, shown, workspaceId, name, onEdit }: Props) {
  const readSeq = useOpenedAt(workspaceId);
  const rows = useMemo(() => rowsOf(shown, readSeq), [shown, readSeq]);
  const { scroller, list, along, onScroll, toEnd } = useReading(history, shown);
  useReadMark(workspaceId, shown.window, along);
  const { data: me } = useSession();
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div ref={scroller} role="log" aria-label={`Conversation with ${name}`} tabIndex={0} className="flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain px-3 [overflow-anchor:none] md:px-5">
        <div className="flex-1" />
        <Virtualizer ref={list} data={rows} shift={shown.shift} onScroll={onScroll}>
          {(row) => (
            <div key={row.key} className="mx-auto max-w-4xl">
              {row.day !== null && <Divider words={row.day} />}
              {row.unread && <Divider words="New" loud />}
              {"entry" in row ? <EntryMessage entry={row.entry} steps={row.steps} mine={row.entry.sender.id === me?.id} workspaceId={workspaceId} /> : <OutgoingMessage message={row.outgoing} onEdit={onEdit} />}
            </div>
          )}
        </Virtualizer>
        <div className="min-h-3" />
      </div>
      {!along && (
        <Button className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-raised" onClick={() => (shown.window.newer ? history.open() : toEnd())}>
          <ArrowDown aria-hidden className="size-4" /> Newest
        </Button>
      )}
    </div>
  );
}

function Divider({ words, loud = false }: { words: string; loud?: boolean }) {
  return (
    <div role="separator" aria-label={words} className={classes("flex items-center gap-3 py-3 text-xs", loud ? "font-semibold text-accent" : "text-ink-soft")}>
      <span className={classes("h-px flex-1", loud ? "bg-accent" : "bg-line")} />
      {words}
      <span className={classes("h-px flex-1", loud ? "bg-accent" : "bg-line")} />
    </div>
  );
}

function useReading(history: History, shown: Shown) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const offset = useRef(0);
  const [along, setAlong] = useState(true);
  const reading = along && !shown.window.newer;
  useStaying(scroller, reading);
  const onScroll = (now: number) => {
    if (!list.current) return;
    const left = list.current.scrollSize - now - list.current.viewportSize;
    const up = now < offset.current;
    offset.current = now;
    if (left < AT_END) setAlong(true);
    else if (up) setAlong(false);
    if (now < NEAR) history.older();
    if (left < NEAR) history.newer();
  };
  return { scroller, list, along: reading, onScroll, toEnd: () => setAlong(true) };
}

/** At the end, whatever changes its place: messages that come or are measured at last, an answer that grows, the keyboard of a phone. */
function useStaying(scroller: RefObject<HTMLDivElement | null>, staying: boolean): void {
  useLayoutEffect(() => {
    const { current } = scroller;
    if (!current || !staying) return;
    const stay = () => {
      current.scrollTop = current.scrollHeight;
    };
    const watching = new ResizeObserver(stay);
    for (const one of [current, ...current.children]) watching.observe(one);
    return () => watching.disconnect();
  }, [scroller, staying]);
}
