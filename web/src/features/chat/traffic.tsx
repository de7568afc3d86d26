import { type View, Blank, isBlank } from "./blank";
import { Conversation } from "./conversation";
import type { Entry } from "./entry";

/** What other agents ask of this one, and what it answers them: to be read only. */
export function Traffic({ workspace, history, shown }: View) {
  const { entries } = shown.window;
  const asker = (reply: Entry) => entries.find(({ id }) => id === reply.reply_to)?.sender.name;
  const speaker = (entry: Entry) => {
    const right = entry.sender.id === workspace.id;
    const to = right ? (asker(entry) ?? "another agent") : workspace.name;
    return { right, name: `${entry.sender.name} → ${to}` };
  };
  return (
    <section aria-label="Traffic with other agents" className="flex min-h-0 flex-1 flex-col">
      {isBlank(shown) ? (
        <Blank history={history} shown={shown}>
          <p>What other agents ask of {workspace.name}, and what it answers them, is here.</p>
        </Blank>
      ) : (
        <Conversation history={history} shown={shown} name="other agents" readSeq={null} speaker={speaker} workspaceId={null} />
      )}
    </section>
  );
}
