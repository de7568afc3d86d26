import { useEffect, useState } from "react";
import { Unsent } from "@/features/chat/unsent";
import { Trouble, Waiting } from "@/ui/notice";

/** Milliseconds until somebody who looks at a page that is not there wants to know why. */
const PATIENCE = 3_000;

/** Instead of everything else until the server says who this is: what was written here, and that it is not lost. */
export function Away({ error, onRetry }: { error: Error | null; onRetry: () => unknown }) {
  const late = useLater(PATIENCE);
  useEffect(() => {
    const heard = () => void onRetry();
    addEventListener("online", heard);
    return () => removeEventListener("online", heard);
  }, [onRetry]);
  if (error === null && !late) return <Waiting what="Opening the post room" />;
  return (
    <main data-away className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-2xl flex-col gap-4 p-4 md:p-6">
        <h1 className="flex items-center gap-2 text-xl font-semibold">
          <img src="/icon.svg" alt="" className="size-7" /> Postroom
        </h1>
        <Trouble error={error ?? new Error("The server has not answered yet.")} onRetry={() => void onRetry()}>
          <p className="text-sm text-ink-soft">
            {!navigator.onLine && "This device has no network. "}
            The page comes back by itself. What you wrote is kept in this browser, and what you sent goes out by itself, as soon as the server is there.
          </p>
        </Trouble>
        <Unsent />
      </div>
    </main>
  );
}

function useLater(milliseconds: number): boolean {
  const [later, setLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), milliseconds);
    return () => clearTimeout(timer);
  }, [milliseconds]);
  return later;
}
