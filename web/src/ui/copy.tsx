import { Check, Copy as CopyIcon } from "lucide-react";
import { useState } from "react";
import { IconButton } from "./button";
import { complain } from "./toast";

/** Copies `text`; says so by its picture and its label. */
export function Copy({ text, label = "Copy", className }: { text: string; label?: string; className?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await toClipboard(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  const Icon = copied ? Check : CopyIcon;
  return (
    <IconButton label={copied ? "Copied" : label} className={className} onClick={() => void copy().catch(complain)}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  );
}

/**
 * Browsers have a clipboard for pages only over https and on the own machine; elsewhere the old way does it. Raises an Error when neither
 * may: nobody is told that a token is copied that is not.
 */
export async function toClipboard(text: string): Promise<void> {
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard !== undefined) await clipboard.writeText(text);
  else if (!copiedOldWay(text)) throw new Error("This browser lets no page copy. Mark the text, and copy it yourself.");
}

function copiedOldWay(text: string): boolean {
  const holder = document.createElement("textarea");
  holder.value = text;
  const focused = document.activeElement;
  // A dialog keeps the focus in itself.
  (focused?.closest("[role=dialog]") ?? document.body).append(holder);
  holder.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way without a secure origin
  const done = document.execCommand("copy");
  holder.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

/** Something to copy as a whole: a command, an address, a body. */
export function Code({ text, label }: { text: string; label?: string }) {
  return (
    <div className="flex items-start rounded-lg border border-line bg-raised">
      {/* A long line is scrolled, by the keyboard too. */}
      <pre tabIndex={0} aria-label={label ?? "Text to copy"} role="region" className="min-w-0 flex-1 overflow-x-auto rounded-lg px-3 py-2.5 font-mono text-xs leading-5">
        {text}
      </pre>
      <Copy text={text} label={label === undefined ? "Copy" : `Copy: ${label}`} />
    </div>
  );
}

/** Beside a command: whoever started it with `make up` does not have it on the path. */
export function CommandHint({ command }: { command: "postroom" | "python" }) {
  return (
    <p className="text-xs text-ink-soft">
      In a checkout, <code>{command}</code> is <code>.venv/bin/{command}</code>.
    </p>
  );
}
