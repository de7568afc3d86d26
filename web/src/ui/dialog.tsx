import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { IconButton } from "./button";
import { classes } from "./classes";

interface Props {
  open: boolean;
  /** Without it, it stays until what it asks for is done. */
  onClose?: () => void;
  title: string;
  description?: string;
  wide?: boolean;
  /** Below what scrolls, always in sight. With it the window is as high as it may be, so that nothing moves when other things are shown. */
  foot?: ReactNode;
  children: ReactNode;
}

/** Below the last of it. */
const END = "pb-[max(1.25rem,env(safe-area-inset-bottom))]";

/** A window over the page; at the bottom of a phone's screen. Escape, the cross and a press beside it close it. */
export function Dialog({ open, ...rest }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={(now) => !now && rest.onClose?.()}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <Window {...rest} />
      </Radix.Portal>
    </Radix.Root>
  );
}

function Window({ onClose, title, description, wide = false, foot, children }: Omit<Props, "open">) {
  // Nothing here opens it for Radix to know where the focus goes back to: it was there when this was drawn first.
  const [opener] = useState(() => document.activeElement);
  const goBack = (event: Event) => {
    event.preventDefault();
    if (opener instanceof HTMLElement) opener.focus();
  };
  return (
    <Radix.Content
      onCloseAutoFocus={goBack}
      {...(description === undefined ? { "aria-describedby": undefined } : {})}
      className={classes(
        "fixed inset-x-0 bottom-0 z-50 flex max-h-[92dvh] flex-col rounded-t-2xl bg-surface shadow-raised outline-none",
        "sm:inset-auto sm:top-1/2 sm:left-1/2 sm:w-full sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-2xl",
        wide ? "sm:max-w-3xl" : "sm:max-w-lg",
        foot !== undefined && "h-[92dvh] sm:max-h-[46rem]",
      )}
    >
      <header className="flex items-start gap-3 px-5 pt-4">
        <div className="min-w-0 flex-1">
          <Radix.Title className="text-lg font-semibold break-words">{title}</Radix.Title>
          {description !== undefined && <Radix.Description className="mt-1 text-sm text-ink-soft">{description}</Radix.Description>}
        </div>
        {onClose && (
          <IconButton label="Close" className="-mt-1 -mr-2 pointer-coarse:-mt-2 pointer-coarse:-mr-3" onClick={onClose}>
            <X aria-hidden className="size-5" />
          </IconButton>
        )}
      </header>
      <div className={classes("min-h-0 flex-1 overflow-y-auto px-5 pt-3", foot === undefined ? END : "pb-3")}>{children}</div>
      {foot !== undefined && <div className={classes("border-t border-line px-5 pt-3", END)}>{foot}</div>}
    </Radix.Content>
  );
}
