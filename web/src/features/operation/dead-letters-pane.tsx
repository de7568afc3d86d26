import type { Workspace } from "@/api/workspaces";
import { Sheet } from "@/ui/panel";
import { DeadLetters } from "./dead-letters";

/** The dead letters of one workspace. */
export function DeadLettersPane({ workspace }: { workspace: Workspace }) {
  return (
    <Sheet>
      <DeadLetters workspace={workspace.id} />
    </Sheet>
  );
}
