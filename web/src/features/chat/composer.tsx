import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, useLayoutEffect, useRef } from "react";
import { IconButton } from "@/ui/button";
import { tooLong } from "./sending";

interface Props {
  to: string;
  text: string;
  onText: (text: string) => void;
  onSend: () => void;
  onCancel: () => void;
}

/** Where one writes. Enter sends, Shift-Enter breaks the line, Escape gives up what was begun. */
export function Composer({ to, text, onText, onSend, onCancel }: Props) {
  const box = useGrowing(text);
  const wrong = tooLong(text);
  const empty = text.trim() === "";
  const press = (event: KeyboardEvent) => {
    // Enter also ends a word in scripts that are composed.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onCancel();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    if (!empty && wrong === null) onSend();
  };
  return (
    <div className="flex flex-col gap-1">
      {wrong !== null && (
        <p role="alert" className="px-2 text-xs text-bad">
          {wrong}
        </p>
      )}
      <div className="flex items-end gap-1 rounded-2xl border border-line-strong bg-surface p-1.5 focus-within:border-accent">
        <textarea
          ref={box}
          value={text}
          onChange={(event) => onText(event.target.value)}
          onKeyDown={press}
          rows={1}
          aria-label={`Message to ${to}`}
          placeholder={`Message to ${to}`}
          enterKeyHint="send"
          className="max-h-[40dvh] min-h-9 min-w-0 flex-1 resize-none bg-transparent px-2.5 py-1.5 text-base leading-6 outline-none placeholder:text-ink-soft sm:text-[0.9375rem] pointer-coarse:min-h-11 pointer-coarse:py-2.5"
        />
        <IconButton label="Send" look="primary" disabled={empty || wrong !== null} onClick={onSend} className="rounded-xl">
          <ArrowUp aria-hidden className="size-5" />
        </IconButton>
      </div>
    </div>
  );
}

/** As high as its text, as far as the style lets it. */
function useGrowing(text: string) {
  const box = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const { current } = box;
    if (!current) return;
    current.style.height = "auto";
    current.style.height = `${current.scrollHeight}px`;
  }, [text]);
  return box;
}
