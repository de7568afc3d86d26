import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type SubmitEvent, useEffect, useRef, useState } from "react";
import { live } from "@/api/live";
import { logIn } from "@/api/session";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { Code } from "@/ui/copy";

/** The code of a login link stands after the #, which browsers send to nobody. It goes from the address bar before anything else happens. */
function takeCode(): string {
  const code = location.hash.slice(1);
  if (code) history.replaceState(history.state, "", location.pathname + location.search);
  return code;
}

/** What was pasted: a whole link, or its code. */
const codeOf = (pasted: string) => pasted.trim().split("#").at(-1) ?? "";

function useLogin() {
  const login = useMutation({ mutationFn: logIn, onSuccess: () => live.restart() });
  const { mutate } = login;
  const tried = useRef(false);
  useEffect(() => {
    // A link is spent by its first use: effects that run twice must not use it twice.
    const code = tried.current ? "" : takeCode();
    tried.current = true;
    if (code) mutate(code);
  }, [mutate]);
  return login;
}

/** The way in; `over` when it lies over a page whose session has ended. */
export function LoginPage({ over = false }: { over?: boolean }) {
  const login = useLogin();
  const form = <LoginForm busy={login.isPending} error={login.error?.message} onCode={login.mutate} />;
  if (over) {
    return (
      <Dialog open onClose={() => undefined} title="You are logged out" description="What you wrote is kept. Log in again to go on.">
        {form}
      </Dialog>
    );
  }
  return (
    <main className="flex min-h-full items-center justify-center p-6">
      <div className="w-full max-w-md rounded-2xl border border-line bg-surface p-6 shadow-raised">
        <img src="/icon.svg" alt="" className="size-12" />
        <h1 className="mt-3 mb-1 text-xl font-semibold">Postroom</h1>
        {form}
      </div>
    </main>
  );
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
      <Code text="postroom login-link" label="The command" />
      <Field label="Login link or code" value={pasted} onChange={(event) => setPasted(event.target.value)} error={error} autoComplete="one-time-code" autoCapitalize="off" spellCheck={false} />
      <Button type="submit" look="primary" busy={busy} disabled={!codeOf(pasted)}>
        <KeyRound aria-hidden className="size-4" /> Log in
      </Button>
    </form>
  );
}
