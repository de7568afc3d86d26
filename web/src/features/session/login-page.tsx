import { KeyRound } from "lucide-react";
import { type SubmitEvent, useState } from "react";
import { stageOf, useOutbox } from "@/api/outbox";
import { Problem } from "@/api/problem";
import { hasLeft, useLogin, useSession } from "@/api/session";
import { Button } from "@/ui/button";
import { Code, CommandHint } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";

/** What was pasted: a whole link, or its code. */
const codeOf = (pasted: string) => pasted.trim().split("#").at(-1) ?? "";

/** The way in; `over` when it lies over a page whose session has ended. */
export function LoginPage({ over = false }: { over?: boolean }) {
  const login = useLogin();
  const { error } = useSession();
  const refused = login.error ?? (error instanceof Problem && error.code === "login_code_spent" ? error : null);
  const form = <LoginForm busy={login.isPending} error={refused?.message} onCode={login.mutate} />;
  if (over) {
    return (
      <Dialog open title="You are logged out" description="What you wrote is kept. Log in again to go on.">
        {form}
      </Dialog>
    );
  }
  return (
    <main className="flex min-h-full items-center justify-center p-6">
      <div className="w-full max-w-md rounded-2xl border border-line bg-surface p-6 shadow-raised">
        <img src="/icon.svg" alt="" className="size-12" />
        <h1 className="mt-3 mb-1 text-xl font-semibold">Postroom</h1>
        {hasLeft() && (
          <p role="status" className="mb-3 rounded-lg bg-good-soft px-3 py-2 text-sm text-good">
            You are logged out.
          </p>
        )}
        {form}
        <Waiting />
      </div>
    </main>
  );
}

/** How much, and not what: who looks at this page may be anybody. */
function Waiting() {
  const count = useOutbox().filter((message) => stageOf(message) === "waiting").length;
  if (count === 0) return null;
  return <p className="mt-4 text-sm text-ink-soft">{count === 1 ? "A message waits" : `${count} messages wait`} in this browser, to be sent when somebody is logged in.</p>;
}

function LoginForm({ busy, error, onCode }: { busy: boolean; error: string | undefined; onCode: (code: string) => void }) {
  const [pasted, setPasted] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (codeOf(pasted)) onCode(codeOf(pasted));
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-sm text-ink-soft">This command, on the machine where Postroom runs, prints a link that lets one browser in, once:</p>
      <div className="flex flex-col gap-1.5">
        <Code text="postroom login-link" label="The command" />
        <CommandHint command="postroom" />
      </div>
      <Field label="Login link or code" value={pasted} onChange={(event) => setPasted(event.target.value)} error={error} autoComplete="one-time-code" autoCapitalize="off" spellCheck={false} />
      <Button type="submit" look="primary" busy={busy} disabled={!codeOf(pasted)}>
        <KeyRound aria-hidden className="size-4" /> Log in
      </Button>
    </form>
  );
}
