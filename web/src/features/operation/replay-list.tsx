import { Link } from "react-router";
import { Badge } from "@/ui/badge";
import { Panel } from "@/ui/panel";
import { type Replay, useReplays } from "./replays";

const LOOKS: Readonly<Record<Replay["state"], "plain" | "good" | "bad">> = {
  sent: "plain",
  "being worked on": "plain",
  answered: "good",
  failed: "bad",
  cancelled: "plain",
  expired: "bad",
};

/** What became of those that were replayed in this visit. */
export function Replays({ workspace }: { workspace: string | null }) {
  const replays = useReplays().filter(({ letter }) => workspace === null || letter.workspace.id === workspace);
  if (replays.length === 0) return null;
  return (
    <Panel title="Replayed">
      <ul aria-label="Replayed" className="-my-2 max-h-60 divide-y divide-line overflow-y-auto">
        {replays.map(({ letter, as, state }) => (
          <li key={as} className="flex items-center gap-3 py-2 text-sm">
            <span className="min-w-0 flex-1 truncate">{letter.preview ?? "No text"}</span>
            <Badge look={LOOKS[state]}>{state}</Badge>
            <Link className="whitespace-nowrap underline" to={`/w/${letter.workspace.id}`}>
              See it at {letter.workspace.name}
            </Link>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
