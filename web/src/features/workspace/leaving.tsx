import { useEffect } from "react";
import { useBlocker } from "react-router";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";

/** Asks before what was changed and not saved is left behind. */
export function Leaving({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => dirty && currentLocation.pathname !== nextLocation.pathname);
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [dirty]);
  return (
    <Dialog open={blocker.state === "blocked"} onClose={() => blocker.reset?.()} title="Leave without saving?" description="What you changed here is not saved yet.">
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={() => blocker.reset?.()}>Stay</Button>
        <Button look="danger" onClick={() => blocker.proceed?.()}>
          Leave
        </Button>
      </div>
    </Dialog>
  );
}
