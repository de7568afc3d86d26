import { useInfiniteQuery } from "@tanstack/react-query";
import { MailCheck } from "lucide-react";
import { useState } from "react";
import { type DeadLetter, deadLettersQuery } from "@/api/dead-letters";
import { Button } from "@/ui/button";
import { Empty, Trouble, Waiting } from "@/ui/notice";
import { Batch } from "./batch";
import { Letter } from "./letter";
import { Replays } from "./replay-list";

/** What came to nothing, of one workspace or of all, to be replayed or dropped, one or many at once. */
export function DeadLetters({ workspace }: { workspace: string | null }) {
  const read = useInfiniteQuery(deadLettersQuery(workspace));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  if (read.isPending) return <Waiting what="Looking for dead letters" />;
  if (!read.data) return <Trouble error={read.error} onRetry={() => void read.refetch()} />;
  const letters = read.data.pages.flatMap((page) => page.dead_letters);
  const choose = (letter: DeadLetter, on: boolean) => setChosen((now) => toggled(now, letter.message_id, on));
  return (
    <>
      <Replays workspace={workspace} />
      {letters.length === 0 ? (
        <Nothing />
      ) : (
        <>
          <Batch letters={letters} chosen={chosen} total={read.data.pages[0]?.total ?? letters.length} onChoose={setChosen} />
          <ul aria-label="Dead letters" className="flex flex-col gap-2">
            {letters.map((letter) => (
              <Letter key={letter.message_id} letter={letter} chosen={chosen.has(letter.message_id)} onChoose={(on) => choose(letter, on)} here={workspace} />
            ))}
          </ul>
        </>
      )}
      {read.isFetchNextPageError && <Trouble error={read.error} onRetry={() => void read.fetchNextPage()} />}
      {read.hasNextPage && (
        <Button className="self-center" busy={read.isFetchingNextPage} onClick={() => void read.fetchNextPage()}>
          Show older ones
        </Button>
      )}
    </>
  );
}

function toggled(now: ReadonlySet<string>, id: string, on: boolean): ReadonlySet<string> {
  const next = new Set(now);
  if (on) next.add(id);
  else next.delete(id);
  return next;
}

function Nothing() {
  return (
    <Empty icon={MailCheck} title="No dead letters">
      <p>What can not be answered, because the agent failed, was never reached or let the deadline pass, comes here. Nothing is lost: you replay it, which sends it once more, or drop it.</p>
    </Empty>
  );
}
