import type { ComponentProps } from "react";
import { classes } from "./classes";

const LOOKS = {
  primary: "bg-accent text-accent-ink hover:opacity-90",
  plain: "border border-line bg-surface hover:bg-raised",
  quiet: "hover:bg-raised",
  danger: "bg-bad-soft text-bad hover:opacity-85",
};

/** Of two classes for the same thing the style sheet has the last word, not the caller: sizes are chosen here. */
const SIZES = {
  usual: "min-h-9 px-3 text-sm",
  /** In a line of small print. */
  small: "min-h-7 px-2 text-xs",
  picture: "min-h-9 min-w-9 px-2 text-sm pointer-coarse:min-w-11",
};

interface Props extends ComponentProps<"button"> {
  look?: keyof typeof LOOKS;
  size?: keyof typeof SIZES;
  /** Under way: it can not be pressed again meanwhile. */
  busy?: boolean;
}

export function Button({ look = "plain", size = "usual", busy = false, disabled, className, type = "button", ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={classes(
        "inline-flex items-center justify-center gap-2 rounded-lg font-medium transition disabled:opacity-50 pointer-coarse:min-h-11",
        SIZES[size],
        LOOKS[look],
        className,
      )}
    />
  );
}

/** A button that is a picture; `label` is what it does, for those who do not see it, and its tip. */
export function IconButton({ label, ...rest }: Omit<Props, "aria-label" | "title" | "size"> & { label: string }) {
  return <Button look="quiet" {...rest} size="picture" aria-label={label} title={label} />;
}
