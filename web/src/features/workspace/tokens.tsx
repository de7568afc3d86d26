import { useMutation, useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { type MadeToken, makeToken, revokeToken, tokensQuery } from "@/api/tokens";
import type { Workspace } from "@/api/workspaces";
import { Button } from "@/ui/button";
import { Code } from "@/ui/copy";
import { Credentials } from "@/ui/credentials";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Trouble, Waiting } from "@/ui/notice";
import { Panel } from "@/ui/panel";

/** What the agent comes in with. */
export function Tokens({ workspace: { id, name } }: { workspace: Workspace }) {
  const tokens = useQuery(tokensQuery(id));
  const [making, setMaking] = useState(false);
  const beside = (
    <Button look="quiet" className="-mr-2" onClick={() => setMaking(true)}>
      <Plus aria-hidden className="size-4" /> New token
    </Button>
  );
  return (
    <Panel title="Tokens" beside={beside}>
      {tokens.isPending && <Waiting what="Looking for its tokens" />}
      {tokens.error && !tokens.data && <Trouble error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {tokens.data?.length === 0 && <p className="text-sm text-ink-soft">None: no program can come in as {name} until you make one.</p>}
      <Credentials
        label="Tokens"
        credentials={(tokens.data ?? []).map((token) => ({ ...token, name: token.label ?? "Token without a label" }))}
        action="Revoke"
        consequence="The very next request with it is refused. A program that uses it stops working until it gets another one."
        onEnd={(token) => revokeToken(id, token.id)}
      />
      {making && <NewToken workspace={id} onClose={() => setMaking(false)} />}
    </Panel>
  );
}

function NewToken({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const [label, setLabel] = useState("");
  const making = useMutation({ mutationFn: () => makeToken(workspace, label.trim() || null) });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    making.mutate();
  };
  return (
    <Dialog open onClose={onClose} title="New token">
      {making.data ? (
        <Made token={making.data} onClose={onClose} />
      ) : (
        <form onSubmit={submit} className="flex flex-col gap-4">
          <Field label="What is it for?" hint="Shown in the list, so that you know later which one to revoke." value={label} maxLength={255} onChange={(event) => setLabel(event.target.value)} error={making.error?.message} />
          <Button type="submit" look="primary" className="self-end" busy={making.isPending}>
            Make it
          </Button>
        </form>
      )}
    </Dialog>
  );
}

function Made({ token: { token }, onClose }: { token: MadeToken; onClose: () => void }) {
  return (
    <div className="flex flex-col gap-4">
      <p role="status" className="rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">
        Copy it now: it is shown this once and kept nowhere. Who has it is this agent.
      </p>
      <Code label="New token" text={token} />
      <Button className="self-end" onClick={onClose}>
        I have it
      </Button>
    </div>
  );
}
