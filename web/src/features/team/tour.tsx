import { Check, X } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useChats } from "@/api/chats";
import { newKey } from "@/api/key";
import { outbox } from "@/api/outbox";
import { usePreference } from "@/api/preferences";
import type { Workspace } from "@/api/workspaces";
import { Button, IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { complain } from "@/ui/toast";

/** The demo team of a first start (src/postroom/cli/demo.py). */
const DEMO = ["Lead", "Echo", "Clerk", "Slow"];
/** Lead asks Slow only when a text mentions it, and that is what takes long enough to be seen. */
const QUESTION = "Count 3 apples and 4 pears, as slow as you like.";

interface Props {
  all: readonly Workspace[];
  onAdd: () => void;
  /** Shows the chart, where the post can be seen to move. */
  onWatch: () => void;
  floating: boolean;
}

/** Three steps for somebody who has the demo team before them. What is done is seen from what is there; only its end is kept. */
export function Tour({ all, onAdd, onWatch, floating }: Props) {
  const [over, setOver] = usePreference("tour", false);
  const { data: chats } = useChats();
  const lead = all.find(({ name }) => name === "Lead");
  const echo = all.find(({ name, parent_id }) => name === "Echo" && parent_id === lead?.id);
  if (over !== false || !chats || !lead || !echo) return null;
  const talked = ({ id }: Workspace) => chats.some((chat) => chat.workspace_id === id && chat.last_message !== null);
  const steps: readonly Step[] = [
    {
      title: "Say hello to Echo",
      words: "It says back what it is told.",
      done: talked(echo),
      act: (
        <Link to={`/w/${echo.id}`} className="font-semibold text-accent underline">
          Open its chat
        </Link>
      ),
    },
    {
      title: "Watch Lead ask its team",
      words: "Lines light up as their post moves.",
      done: talked(lead),
      act: <Button onClick={() => void ask(lead, onWatch)}>Ask Lead</Button>,
    },
    {
      title: "Connect your own",
      words: "A script, a coding agent, a service: a minute.",
      done: all.some(({ name, registered_at }) => !DEMO.includes(name) && registered_at !== null),
      act: <Button onClick={onAdd}>Add an agent</Button>,
    },
  ];
  return <Steps steps={steps} floating={floating} onOver={() => setOver(true)} />;
}

async function ask(lead: Workspace, onWatch: () => void): Promise<void> {
  try {
    onWatch();
    await outbox.add({ workspaceId: lead.id, threadId: newKey(), taskId: null, text: QUESTION, files: [] });
  } catch (error) {
    complain(error);
  }
}

interface Step {
  title: string;
  words: string;
  done: boolean;
  act: ReactNode;
}

function Steps({ steps, floating, onOver }: { steps: readonly Step[]; floating: boolean; onOver: () => void }) {
  const next = steps.findIndex(({ done }) => !done);
  return (
    <section aria-label="First steps" className={classes("border-line bg-surface px-4 py-3", floating ? "absolute bottom-3 left-3 z-10 mr-19 rounded-2xl border shadow-raised" : "border-t")}>
      <header className="-mt-1.5 flex items-center gap-2">
        <h2 className="flex-1 text-sm font-semibold">{next === -1 ? "You know your way around" : "First steps"}</h2>
        <IconButton label="Close the first steps" className="-mr-2" onClick={onOver}>
          <X aria-hidden className="size-4" />
        </IconButton>
      </header>
      {/* What is done needs no room where there is little. */}
      <ol className={classes("grid gap-x-6 gap-y-2.5 text-sm lg:grid-cols-[repeat(3,auto)]", next === -1 && "max-lg:hidden")}>
        {steps.map(({ title, words, done, act }, number) => (
          <li key={title} {...(number === next && { "aria-current": "step" })} className="flex items-start gap-2.5">
            <span className={classes("mt-px flex size-5 shrink-0 items-center justify-center rounded-full text-xs font-semibold", done ? "bg-good-soft text-good" : "bg-raised text-ink-soft")}>
              {done ? <Check role="img" aria-label="Done" className="size-3.5" /> : number + 1}
            </span>
            <div className="flex min-w-0 flex-col items-start gap-1.5">
              <span className={done ? "text-ink-soft" : "font-medium"}>{title}</span>
              {number === next && (
                <>
                  <span className="text-xs text-ink-soft">{words}</span>
                  {act}
                </>
              )}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
