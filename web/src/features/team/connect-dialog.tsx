import { useMutation } from "@tanstack/react-query";
import { makeToken } from "@/api/tokens";
import type { Workspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { toClipboard } from "@/ui/copy";
import { complain, tell } from "@/ui/toast";
import type { Ask } from "./asked";
import { variables } from "./commands";
import { Arrival, Connect } from "./connect";

/** How to connect the agent of a workspace that is there already. */
export function ConnectDialog({ workspace, onClose }: { workspace: Workspace; onClose: () => void }) {
  const making = useMutation({ mutationFn: () => makeToken(workspace.id, "Made in the page") });
  return (
    <Dialog open wide={making.isSuccess} foot={making.isSuccess ? <Arrival id={workspace.id} /> : undefined} onClose={onClose} title={`Connect ${workspace.name}`}>
      {making.data ? (
        <Connect workspace={workspace} token={making.data.token} />
      ) : (
        <div className="flex flex-col gap-4 text-sm">
          <p>An agent comes in with a token. Those that were made are not shown again, so this makes another one; the others stay good.</p>
          {making.error && (
            <p role="alert" className="text-bad">
              {making.error.message}
            </p>
          )}
          <Button look="primary" className="self-end" busy={making.isPending} onClick={() => making.mutate()}>
            Make a token
          </Button>
        </div>
      )}
    </Dialog>
  );
}

/** What an agent has to know, without its token, which nobody has but itself. */
export async function copySnippet(workspace: Workspace, ask: Ask): Promise<void> {
  try {
    await toClipboard(variables({ url: location.origin, id: workspace.id, token: "ITS_TOKEN" }));
    tell("Copied, but for its token.", { label: "Make one", run: () => ask({ about: "connect", workspace }) });
  } catch (error) {
    complain(error);
  }
}
