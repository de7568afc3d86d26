import { ArrowRight, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { useMutation } from "@tanstack/react-query";
import { type DeadLetter, drop, refreshDeadLetters } from "@/api/dead-letters";
import { Badge } from "@/ui/badge";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { Age } from "@/ui/time";
import { complain, tell } from "@/ui/toast";
import { LetterFiles } from "./letter-files";
import { textOf } from "./letter-text";
import { replayAndFollow } from "./replays";

interface Props {
  letter: DeadLetter;
  chosen: boolean;
  onChoose: (on: boolean) => void;
  /** The workspace whose letters these are: it needs no naming. */
  here: string | null;
}

/** One: from whom, to whom, why it came to nothing, and what it said. */
export function Letter({ letter, chosen, onChoose, here }: Props) {
  const { sender, workspace, state, error, attempts, ended_at, preview } = letter;
  const title = `${sender.name} to ${workspace.name}: ${preview ?? "no text"}`;
  return (
    <li className="grid grid-cols-[auto_minmax(0,1fr)] items-start gap-3 rounded-xl border border-line bg-surface p-3 sm:grid-cols-[auto_minmax(0,1fr)_auto]">
      <label className="-m-2 flex size-9 shrink-0 items-center justify-center pointer-coarse:size-11">
        <input type="checkbox" className="size-4 accent-accent" aria-label={`Choose: ${title}`} checked={chosen} onChange={(event) => onChoose(event.target.checked)} />
      </label>
      <article aria-label={title} className="min-w-0 text-sm">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium">{sender.name}</span>
          <ArrowRight role="img" aria-label="to" className="size-3.5 text-ink-soft" />
          {workspace.id === here ? (
            <span className="font-medium">{workspace.name}</span>
          ) : (
            <Link className="font-medium underline" to={`/w/${workspace.id}`}>
              {workspace.name}
            </Link>
          )}
          <Badge look="bad">{state}</Badge>
          <span className="text-xs text-ink-soft">
            {attempts === 0 ? "never handed out" : attempts === 1 ? "1 attempt" : `${attempts} attempts`}, <Age at={ended_at} />
          </span>
        </p>
        <p className="mt-1 break-words text-bad">{error.detail}</p>
        {error.last && <p className="text-xs break-words text-ink-soft">The last attempt: {error.last.detail}</p>}
        <Text text={textOf(letter)} />
        <LetterFiles letter={letter} />
      </article>
      <Acts letter={letter} />
    </li>
  );
}

/** Characters. A longer text is shown whole on request. */
const SHORT = 240;

function Text({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  if (!text) return null;
  const long = text.length > SHORT;
  return (
    <div className="mt-2 border-l-2 border-line pl-3">
      <p className="max-h-96 overflow-y-auto break-words whitespace-pre-wrap text-ink-soft">{long && !whole ? `${text.slice(0, SHORT)}…` : text}</p>
      {long && (
        <Button look="quiet" size="small" className="-ml-2" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? "Show less" : "Show all of it"}
        </Button>
      )}
    </div>
  );
}

function Acts({ letter }: { letter: DeadLetter }) {
  const [asked, setAsked] = useState(false);
  const again = useMutation({ mutationFn: () => replayAndFollow(letter), onError: complain, onSettled: refreshDeadLetters });
  const give = async () => {
    await drop(letter);
    await refreshDeadLetters();
    tell("Dropped.");
  };
  return (
    <div className="col-start-2 flex gap-1 sm:col-start-3">
      <Button busy={again.isPending} onClick={() => again.mutate()}>
        <RotateCcw aria-hidden className="size-4" /> Replay
      </Button>
      <Button look="quiet" className="text-bad" onClick={() => setAsked(true)}>
        <Trash2 aria-hidden className="size-4" /> Drop
      </Button>
      <Confirm open={asked} title="Drop this dead letter?" action="Drop" onClose={() => setAsked(false)} onConfirm={give}>
        <p className="line-clamp-4 break-words text-ink-soft">{letter.preview}</p>
        <p>It can not be replayed then. It stays in the history of {letter.workspace.name}.</p>
      </Confirm>
    </div>
  );
}
