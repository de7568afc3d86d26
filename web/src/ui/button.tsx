import type { ComponentProps } from "react";
import { classes } from "./classes";

const LOOKS = {
  primary: "bg-accent text-accent-ink hover:opacity-90",
  plain: "border border-line bg-surface hover:bg-raised",
  quiet: "hover:bg-raised",
  danger: "bg-bad-soft text-bad hover:opacity-85",
};

interface Props extends ComponentProps<"button"> {
  look?: keyof typeof LOOKS;
  /** Under way: it can not be pressed again meanwhile. */
  busy?: boolean;
}

export function Button({ look = "plain", busy = false, disabled, className, type = "button", ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={classes(
        "inline-flex min-h-9 items-center justify-center gap-2 rounded-lg px-3 text-sm font-medium transition disabled:opacity-50 pointer-coarse:min-h-11",
        LOOKS[look],
        className,
      )}
    />
  );
}

/** A button that is a picture; `label` is what it does, for those who do not see it, and its tip. */
export function IconButton({ label, className, ...rest }: Omit<Props, "aria-label" | "title"> & { label: string }) {
  return <Button look="quiet" {...rest} aria-label={label} title={label} className={classes("min-w-9 px-2 pointer-coarse:min-w-11", className)} />;
}
