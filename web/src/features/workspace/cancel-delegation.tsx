import { useState } from "react";
import { Button } from "@/ui/button";
import { Confirm } from "@/ui/confirm";
import { tell } from "@/ui/toast";
import { type Delegation, cancelDelegation } from "./delegations";

export function CancelDelegation({ one }: { one: Delegation }) {
  const [asked, setAsked] = useState(false);
  const cancel = async () => {
    const now = await cancelDelegation(one);
    tell(now.ended_at === null ? `${one.target.name} was asked to stop.` : "It is cancelled.");
  };
  return (
    <>
      <Button look="quiet" className="text-bad pointer-coarse:-mt-1" aria-label={`Cancel what ${one.source.name} asked ${one.target.name}`} onClick={() => setAsked(true)}>
        Cancel
      </Button>
      <Confirm open={asked} title={`Cancel what ${one.source.name} asked ${one.target.name}?`} action="Cancel it" onClose={() => setAsked(false)} onConfirm={cancel}>
        <p className="line-clamp-4 break-words text-ink-soft">{one.task}</p>
        <p>
          {one.status === "accepted"
            ? `${one.target.name} has not begun: it ends at once, and ${one.source.name} is told.`
            : `${one.target.name} works on it and is asked to stop. Until it does, the work goes on.`}
        </p>
      </Confirm>
    </>
  );
}
