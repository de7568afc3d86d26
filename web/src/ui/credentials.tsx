import { type ReactNode, useState } from "react";
import { Button } from "./button";
import { Confirm } from "./confirm";
import { Age } from "./time";

/** Something that lets somebody in: a token, a browser's session. It is known by the characters that it begins with. */
export interface Credential {
  id: string;
  name: string;
  prefix: string;
  created_at: string;
  last_used_at: string | null;
}

interface Props<T extends Credential> {
  label: string;
  credentials: readonly T[];
  /** The verb that ends one, and what comes of it. */
  action: string;
  consequence: string;
  onEnd: (credential: T) => Promise<unknown>;
  /** What else there is to say of one, beside its name. */
  mark?: (credential: T) => ReactNode;
}

export function Credentials<T extends Credential>({ label, credentials, action, consequence, onEnd, mark }: Props<T>) {
  const [asked, setAsked] = useState<T | null>(null);
  return (
    <>
      <ul aria-label={label} className="-my-2 divide-y divide-line">
        {credentials.map((credential) => (
          <li key={credential.id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-2">
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-sm">
                <span className="min-w-0 font-medium break-words">{credential.name}</span>
                <code className="font-mono text-xs text-ink-soft">{credential.prefix}…</code>
                {mark?.(credential)}
              </p>
              <p className="mt-0.5 text-xs text-ink-soft">
                made <Age at={credential.created_at} />, {credential.last_used_at === null ? "never used" : <>used <Age at={credential.last_used_at} /></>}
              </p>
            </div>
            <Button look="quiet" className="text-bad" aria-label={`${action}: ${credential.name}`} onClick={() => setAsked(credential)}>
              {action}
            </Button>
          </li>
        ))}
      </ul>
      <Confirm open={asked !== null} title={`${action}: ${asked?.name ?? ""}`} action={action} onClose={() => setAsked(null)} onConfirm={async () => asked && onEnd(asked)}>
        <p>{consequence}</p>
      </Confirm>
    </>
  );
}
