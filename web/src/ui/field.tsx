import { ChevronDown } from "lucide-react";
import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./classes";

const BOX = "w-full rounded-lg border border-line-strong bg-surface px-3 py-2 text-base text-ink placeholder:text-ink-soft sm:text-sm";

interface Shared {
  label: string;
  hint?: ReactNode;
  /** What is wrong with it. */
  error?: string | undefined;
  /** The label is for screen readers only. */
  bare?: boolean;
}

function Frame({ id, label, hint, error, bare, children }: Shared & { id: string; children: ReactNode }) {
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className={bare ? "sr-only" : "text-sm font-medium"}>
        {label}
      </label>
      {children}
      {hint !== undefined && !error && <p id={`${id}-hint`} className="text-xs text-ink-soft">{hint}</p>}
      {error && (
        <p id={`${id}-error`} role="alert" className="text-xs text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

function said(id: string, { error, hint }: Pick<Shared, "error" | "hint">) {
  if (error) return { "aria-invalid": true, "aria-describedby": `${id}-error` };
  return hint === undefined ? {} : { "aria-describedby": `${id}-hint` };
}

export function Field({ label, hint, error, bare = false, className, ...rest }: Shared & ComponentProps<"input">) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, bare }}>
      <input id={id} {...said(id, { error, hint })} {...rest} className={classes(BOX, className)} />
    </Frame>
  );
}

export function TextArea({ label, hint, error, bare = false, className, ...rest }: Shared & ComponentProps<"textarea">) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, bare }}>
      <textarea id={id} {...said(id, { error, hint })} {...rest} className={classes(BOX, className)} />
    </Frame>
  );
}

export function Select({ label, hint, error, bare = false, className, children, ...rest }: Shared & ComponentProps<"select">) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error, bare }}>
      {/* The browser's own arrow clings to the edge, and moves the words. */}
      <span className="relative">
        <select id={id} {...said(id, { error, hint })} {...rest} className={classes(BOX, "appearance-none pr-9", className)}>
          {children}
        </select>
        <ChevronDown aria-hidden className="pointer-events-none absolute top-1/2 right-3 size-4 -translate-y-1/2 text-ink-soft" />
      </span>
    </Frame>
  );
}
