import { useState } from "react";
import { useSession } from "@/api/session";
import type { Entry } from "./entry";
import { filesOf } from "./files";
import type { Shown } from "./history";
import { inWords } from "./preview";
import type { Window } from "./window";

/** Characters. The rest of a long message is read where it stands. */
const SAID = 500;

/** Tells those who do not see it what comes at the end, once. The list itself is silent: to it, what scrolling back draws is new as well. */
export function Heard({ shown }: { shown: Shown }) {
  const { data: me } = useSession();
  const news = useNews(shown);
  return (
    <div role="status" aria-label="What was said last" className="sr-only">
      {/* Who says the same again is heard again. */}
      {news && (
        <p key={news.id}>
          {news.sender.id === me?.id ? "You" : news.sender.name}: {inWords(news.content.slice(0, SAID)) || filesOf(news)[0]?.name}
        </p>
      )}
    </div>
  );
}

/** The newest of what came while this was open. */
function useNews({ window, waiting, error }: Shown): Entry | null {
  const [heard, hear] = useState<{ window: Window | null; news: Entry | null }>({ window: null, news: null });
  if (!waiting && error === null && window !== heard.window) hear({ window, news: cameLast(heard.window, window) ?? heard.news });
  return heard.news;
}

/** Null where nothing came after what was the last: another part of the history was read, or nothing but a state is new. */
function cameLast(before: Window | null, now: Window): Entry | null {
  if (before === null || before.newer || now.newer) return null;
  const last = before.entries.at(-1);
  const at = now.entries.findLastIndex(({ id }) => id === last?.id);
  return last !== undefined && at < 0 ? null : (now.entries.slice(at + 1).at(-1) ?? null);
}
