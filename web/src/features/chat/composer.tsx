import { ArrowUp, FileText, Paperclip } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, useLayoutEffect, useRef } from "react";
import { useSearchParams } from "react-router";
import type { KeptFile } from "@/api/kept";
import { Button, IconButton } from "@/ui/button";
import type { Writing } from "./drafts";
import { KeptFiles } from "./file-view";
import { tooLong } from "./sending";

interface Props {
  to: string;
  draft: Writing;
  /** What can not be attached, and why. */
  refused: string;
  onText: (text: string) => void;
  onFiles: (files: readonly File[]) => void;
  onAsFile: () => void;
  onRemove: (file: KeptFile) => void;
  onSend: () => void;
  onCancel: () => void;
}

/** A keyboard on a screen has no Shift-Enter: there Enter breaks the line, and the button sends. */
const ON_SCREEN = matchMedia("(pointer: coarse)").matches;

/** Where one writes. Enter sends, Shift-Enter breaks the line, Escape gives up what was begun. */
export function Composer({ to, draft: { text, files }, refused, onText, onFiles, onAsFile, onRemove, onSend, onCancel }: Props) {
  const box = useGrowing(text);
  const searching = useSearchParams()[0].has("find");
  const wrong = tooLong(text);
  const ready = wrong === null && (text.trim() !== "" || files.length > 0);
  const press = (event: KeyboardEvent) => {
    // Enter also ends a word in scripts that are composed.
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onCancel();
    if (event.key !== "Enter" || event.shiftKey || (ON_SCREEN && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    if (ready) onSend();
  };
  const paste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    if (pasted.length === 0) return;
    event.preventDefault();
    onFiles(pasted);
  };
  return (
    <div className="mx-auto flex max-w-4xl flex-col gap-1">
      {wrong !== null && <TooLong why={wrong} onFile={onAsFile} />}
      {refused && (
        <p role="alert" className="px-2 text-xs text-bad">
          {refused}
        </p>
      )}
      <div className="rounded-2xl border border-line-strong bg-surface p-1.5 focus-within:border-accent">
        <div className="px-1">
          <KeptFiles files={files} onRemove={onRemove} />
        </div>
        <div className="flex items-end gap-1">
          <Picker onFiles={onFiles} />
          <textarea
            ref={box}
            // On a phone the keyboard would cover what one came to read; and who came to search goes on with that.
            autoFocus={!ON_SCREEN && !searching}
            value={text}
            onChange={(event) => onText(event.target.value)}
            onKeyDown={press}
            onPaste={paste}
            rows={1}
            aria-label={`Message to ${to}`}
            placeholder={`Message to ${to}`}
            enterKeyHint={ON_SCREEN ? "enter" : "send"}
            className="max-h-[40dvh] min-h-9 min-w-0 flex-1 resize-none bg-transparent px-1.5 py-1.5 text-base leading-6 outline-none placeholder:truncate placeholder:text-ink-soft sm:text-[0.9375rem] pointer-coarse:min-h-11 pointer-coarse:py-2.5"
          />
          <IconButton label="Send" look="primary" disabled={!ready} onClick={onSend} className="rounded-xl">
            <ArrowUp aria-hidden className="size-5" />
          </IconButton>
        </div>
      </div>
    </div>
  );
}

function TooLong({ why, onFile }: { why: string; onFile: () => void }) {
  return (
    <div role="alert" className="flex flex-wrap items-center gap-2 px-2 text-xs text-bad">
      {why}
      <Button look="quiet" size="small" onClick={onFile}>
        <FileText aria-hidden className="size-4" /> Make it a file
      </Button>
    </div>
  );
}

function Picker({ onFiles }: { onFiles: (files: readonly File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          // The same file may be picked again.
          event.target.value = "";
        }}
      />
      <IconButton label="Attach files" className="rounded-xl" onClick={() => input.current?.click()}>
        <Paperclip aria-hidden className="size-5" />
      </IconButton>
    </>
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
