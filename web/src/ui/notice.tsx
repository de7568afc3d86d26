import { type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button";

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
}

/** There is nothing here yet, and how that changes. */
export function Empty({ icon: Icon, title, children }: EmptyProps) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-3 px-6 py-12 text-center">
      <Icon aria-hidden className="size-10 text-line-strong" strokeWidth={1.4} />
      <h2 className="text-base font-semibold">{title}</h2>
      {children !== undefined && <div className="flex flex-col items-center gap-3 text-sm text-ink-soft">{children}</div>}
    </div>
  );
}

interface TroubleProps {
  error: unknown;
  onRetry?: (() => void) | undefined;
  /** What there is to know besides. */
  children?: ReactNode;
}

/** What went wrong, in the server's own sentence, and the way on. */
export function Trouble({ error, onRetry, children }: TroubleProps) {
  const problem = error as { message?: string; requestId?: string | null };
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-3 px-6 py-10 text-center">
      <TriangleAlert aria-hidden className="size-8 text-bad" />
      <p className="text-sm">{problem.message ?? "Something went wrong."}</p>
      {children}
      {problem.requestId && <p className="font-mono text-xs text-ink-soft">Request {problem.requestId}</p>}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}

/** Something is on its way. Every request has an end (api/client.ts), so this has one, too. */
export function Waiting({ what }: { what: string }) {
  return (
    <div role="status" data-waiting className="flex items-center justify-center gap-3 p-8 text-sm text-ink-soft">
      <span aria-hidden className="size-4 animate-spin rounded-full border-2 border-line-strong border-t-transparent" />
      {what}
    </div>
  );
}
