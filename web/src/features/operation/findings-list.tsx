import { CircleCheck, CircleX, TriangleAlert } from "lucide-react";
import { Link } from "react-router";
import { classes } from "@/ui/classes";
import { type Finding, findings } from "./findings";
import type { Health } from "./health";

/** What is wrong and what to do, in words; or that nothing is. */
export function Findings({ health }: { health: Health }) {
  const found = findings(health);
  if (found.length === 0) {
    return (
      <p className="flex items-center gap-3 rounded-xl border border-line bg-good-soft px-4 py-3 text-sm font-medium text-good">
        <CircleCheck aria-hidden className="size-5" /> All is well.
      </p>
    );
  }
  return (
    <section aria-label="What needs you">
      <ul className="flex flex-col gap-2">
        {found.map((finding, place) => (
          <Row key={place} finding={finding} />
        ))}
      </ul>
    </section>
  );
}

function Row({ finding: { bad, what, advice, to } }: { finding: Finding }) {
  const Icon = bad ? CircleX : TriangleAlert;
  return (
    <li className={classes("flex items-start gap-3 rounded-xl border border-line px-4 py-3 text-sm", bad ? "bg-bad-soft" : "bg-warn-soft")}>
      <Icon aria-hidden className={classes("mt-0.5 size-5 shrink-0", bad ? "text-bad" : "text-warn")} />
      <div className="flex min-w-0 flex-1 flex-wrap items-center justify-between gap-x-6 gap-y-1">
        <div className="min-w-0">
          <p className={classes("font-medium break-words", bad ? "text-bad" : "text-warn")}>{what}</p>
          <p>{advice}</p>
        </div>
        {to && (
          <Link className="underline" to={to.place}>
            {to.label}
          </Link>
        )}
      </div>
    </li>
  );
}
