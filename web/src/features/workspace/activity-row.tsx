import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Code } from "@/ui/copy";
import { Age } from "@/ui/time";
import { type Entry, PROGRESS } from "./activity-rows";
import { type Names, tell } from "./sentences";

const TONES = { good: "text-good", warn: "text-warn", bad: "text-bad" };

/** One event, or the newest of several: a sentence, and the body that it was told with. */
export function ActivityRow({ entry: { row, count }, names }: { entry: Entry; names: Names }) {
  const [open, setOpen] = useState(false);
  const { icon: Icon, sentence, tone, detail } = tell(row, names);
  return (
    <article data-event={row.event} data-cursor={row.cursor} className="border-b border-line px-4 py-2 md:px-6">
      <div className="flex items-start gap-3">
        <Icon aria-hidden className={classes("mt-2 size-4 shrink-0", tone === undefined ? "text-ink-soft" : TONES[tone])} />
        <div className="min-w-0 flex-1 py-1.5 text-sm">
          <p className="break-words">{sentence}</p>
          {detail !== undefined && <Detail>{detail}</Detail>}
          {count > 1 && <p className="mt-0.5 text-xs text-ink-soft">and {count - 1} before</p>}
        </div>
        <span className="py-2 text-xs whitespace-nowrap text-ink-soft">
          <Age at={row.timestamp} />
        </span>
        <IconButton label={open ? "Hide the body" : "Show the body"} aria-expanded={open} className="-mr-2 pointer-coarse:-mt-1" onClick={() => setOpen(!open)}>
          <ChevronRight aria-hidden className={classes("size-4 transition-transform", open && "rotate-90")} />
        </IconButton>
      </div>
      {open && (
        <div className="pb-2 pl-7">
          {count > 1 && <Each />}
          <Code label={`Body of ${row.event}`} text={JSON.stringify(row, null, 2)} />
        </div>
      )}
    </article>
  );
}

function Detail({ children }: { children: ReactNode }) {
  return <p className="mt-0.5 line-clamp-2 break-words text-ink-soft">{children}</p>;
}

/** The way to all that the newest stands for. */
function Each() {
  const [search] = useSearchParams();
  return (
    <Link to={{ search: new URLSearchParams({ ...Object.fromEntries(search), type: PROGRESS }).toString() }} className="inline-flex min-h-9 items-center text-sm underline pointer-coarse:min-h-11">
      Show each of them
    </Link>
  );
}
