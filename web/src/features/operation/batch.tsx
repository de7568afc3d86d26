import { useState } from "react";
import { type DeadLetter, drop, refreshDeadLetters } from "@/api/dead-letters";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { tell } from "@/ui/toast";
import { replayAndFollow } from "./replays";

interface Props {
  letters: readonly DeadLetter[];
  chosen: ReadonlySet<string>;
  total: number;
  onChoose: (chosen: ReadonlySet<string>) => void;
}

const ACTS = {
  replay: { verb: "Replay", done: "replayed", run: replayAndFollow, comes: "Each is sent once more, in your name, and takes its turn in its mailbox." },
  drop: { verb: "Drop", done: "dropped", run: drop, comes: "They can not be replayed then. They stay in the history." },
};

const counted = (number: number) => (number === 1 ? "1 dead letter" : `${number} dead letters`);

interface Asked {
  act: (typeof ACTS)[keyof typeof ACTS];
  /** As they were chosen: the list below changes while they are worked on. */
  letters: readonly DeadLetter[];
}

/** One after the other, so that they take their turn in their order; one that can not be done does not stop the others. */
async function runAll({ act, letters }: Asked, onDone: (count: number) => void): Promise<void> {
  const failures: Error[] = [];
  for (const [number, letter] of letters.entries()) {
    await act.run(letter).catch((error: unknown) => failures.push(error as Error));
    onDone(number + 1);
  }
  await refreshDeadLetters();
  const [first] = failures;
  if (first) throw new Error(`${failures.length} of ${letters.length} could not be ${act.done}. ${first.message}`);
  tell(`${counted(letters.length)} ${act.done}.`);
}

/** What is done with many at once. */
export function Batch({ letters, chosen, total, onChoose }: Props) {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [done, setDone] = useState(0);
  // Others may have dealt with some of them meanwhile.
  const meant = letters.filter(({ message_id }) => chosen.has(message_id));
  const all = meant.length === letters.length;
  const ask = (act: Asked["act"]) => {
    setDone(0);
    // The oldest first, as they were said.
    setAsked({ act, letters: [...meant].reverse() });
  };
  return (
    <div className="flex min-h-11 flex-wrap items-center gap-2 text-sm">
      <label className="flex min-h-9 items-center gap-2 px-1 pointer-coarse:min-h-11">
        <input type="checkbox" className="size-4 accent-accent" checked={all} onChange={() => onChoose(all ? new Set() : new Set(letters.map(({ message_id }) => message_id)))} />
        {total === letters.length ? "Choose all" : `Choose these ${letters.length} of ${total}`}
      </label>
      {meant.length > 0 && (
        <>
          <Button onClick={() => ask(ACTS.replay)}>Replay {meant.length}</Button>
          <Button look="danger" onClick={() => ask(ACTS.drop)}>
            Drop {meant.length}
          </Button>
        </>
      )}
      {asked && (
        <Confirm
          open
          title={`${asked.act.verb} ${counted(asked.letters.length)}?`}
          action={done > 0 ? `${done} of ${asked.letters.length}` : asked.act.verb}
          onClose={() => setAsked(null)}
          onConfirm={() => runAll(asked, setDone)}
        >
          <p>{asked.act.comes}</p>
        </Confirm>
      )}
    </div>
  );
}
