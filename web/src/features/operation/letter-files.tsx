import { Paperclip } from "lucide-react";
import type { DeadLetter } from "@/api/dead-letters";
import { filesOf } from "./letter-text";

export function LetterFiles({ letter }: { letter: DeadLetter }) {
  const files = filesOf(letter);
  if (files.length === 0) return null;
  return (
    <ul aria-label="Files" className="mt-2 flex flex-wrap gap-2">
      {files.map(({ name, url }, number) => (
        <li key={number} className="inline-flex min-w-0 items-center gap-1 text-xs">
          <Paperclip aria-hidden className="size-3.5 shrink-0" />
          {url === null ? (
            <span className="truncate">{name}</span>
          ) : (
            <a href={url} download={name} className="truncate underline">
              {name}
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}
