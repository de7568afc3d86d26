import { ArrowDown } from "lucide-react";
import { type ReactNode, type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Outgoing } from "@/api/kept";
import { Button } from "@/ui/button";
import { classes } from "@/ui/classes";
import { useDay } from "@/ui/time";
import type { Entry } from "./entry";
import type { History, Shown } from "./history";
import { EntryMessage, OutgoingMessage, type Speaker } from "./message";
import { PullMark, usePull } from "./pull";
import { type Row, rowsOf } from "./rows";

interface Props {
  history: History;
  shown: Shown;
  name: string;
  /** Up to where it was read when it was opened; null when there was nothing new. */
  readSeq: number | null;
  /** How many are new, for those who read further up. */
  unread: number;
  speaker: (entry: Entry) => Speaker;
  /** What stands below a message, beside how it is with it. */
  below?: (entry: Entry) => ReactNode;
  /** Whose messages may be cancelled and replayed here; null where one only reads. */
  workspaceId: string | null;
  onEdit?: (message: Outgoing) => void;
}

/** Pixels: as near to an end as this, the next page is fetched. */
const NEAR = 800;
/** Pixels from the bottom at which one still reads along. */
const AT_END = 48;

/** The messages, the newest at the bottom. Who reads the newest stays with it; who reads further up keeps the place. */
export function Conversation({ history, shown, name, readSeq, unread, speaker, below, workspaceId, onEdit }: Props) {
  const rows = useMemo(() => rowsOf(shown, readSeq), [shown, readSeq]);
  const { scroller, list, onScroll } = useReading(history, shown, rows);
  const jump = useCallback(({ seq }: Entry) => history.open(seq), [history]);
  const pull = usePull("bottom", scroller, history.refresh);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      {shown.error !== null && <Stale error={shown.error} onRetry={() => history.catchUp()} />}
      <div ref={scroller} role="log" aria-live="off" aria-label={`Conversation with ${name}`} tabIndex={0} className="flex min-h-0 flex-1 flex-col overflow-y-auto overscroll-contain px-3 [overflow-anchor:none] md:px-5">
        <div className="flex-1" />
        <Virtualizer ref={list} data={rows} shift={shown.shift} onScroll={onScroll}>
          {(row) => (
            <div key={row.key} className={classes("mx-auto max-w-4xl rounded-2xl", row.found && "bg-warn-soft")}>
              {row.day !== null && <Day at={row.day} />}
              {row.unread && <Divider words="New" loud />}
              {"entry" in row ? <EntryMessage entry={row.entry} steps={row.steps} asked={row.asked} onJump={jump} {...speaker(row.entry)} workspaceId={workspaceId} /> : <OutgoingMessage message={row.outgoing} onEdit={onEdit} />}
              {"entry" in row && below?.(row.entry)}
            </div>
          )}
        </Virtualizer>
        <div className="min-h-3" />
      </div>
      <PullMark pull={pull} edge="bottom" />
      {!shown.along && (
        <Button className="absolute bottom-3 left-1/2 -translate-x-1/2 rounded-full shadow-raised" onClick={() => history.toNewest()}>
          <ArrowDown aria-hidden className="size-4" /> {unread > 0 ? `${unread} new` : "Newest"}
        </Button>
      )}
    </div>
  );
}

function Stale({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div role="alert" className="flex items-center justify-center gap-2 bg-warn-soft px-3 py-1 text-xs text-warn">
      {error instanceof Error ? error.message : "What is new could not be fetched."}
      <Button look="quiet" size="small" className="underline" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}

function Day({ at }: { at: string }) {
  return <Divider words={useDay(at)} />;
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

function useReading(history: History, { along, opening, window }: Shown, rows: readonly Row[]) {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const last = useRef({ offset: 0, size: 0, height: 0 });
  useStaying(scroller, along);
  usePlace(list, rows, opening);
  const onScroll = (now: number) => {
    if (!scroller.current) return;
    const { scrollHeight: size, clientHeight: height } = scroller.current;
    const left = size - now - height;
    // What grows or shrinks moves the place, too: only where nothing did, it was the reader. The list itself hears of it later than the scroll.
    const up = now < last.current.offset && size === last.current.size && height === last.current.height;
    last.current = { offset: now, size, height };
    if (left < AT_END) history.follow(true);
    else if (up) history.follow(false);
    if (now < NEAR && window.older) history.older();
    if (left < NEAR && window.newer) history.newer();
  };
  return { scroller, list, onScroll };
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

/** To the message that was looked for, once it is there. */
function usePlace(list: RefObject<VirtualizerHandle | null>, rows: readonly Row[], opening: Shown["opening"]): void {
  const gone = useRef<Shown["opening"]>(null);
  useEffect(() => {
    const at = rows.findIndex(({ found }) => found);
    if (opening === gone.current || (opening !== null && at < 0)) return;
    gone.current = opening;
    if (at >= 0) list.current?.scrollToIndex(at, { align: "center" });
  }, [list, rows, opening]);
}
