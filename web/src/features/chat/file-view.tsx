import { Download, ExternalLink, FileText, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { type KeptFile, kept } from "@/api/kept";
import { useProgress } from "@/api/uploads";
import { inBytes } from "@/ui/bytes";
import { IconButton } from "@/ui/button";
import { classes } from "@/ui/classes";
import { Dialog } from "@/ui/dialog";
import { type SentFile, isPicture } from "./files";

const FRAME = "flex max-w-full min-w-0 items-center gap-2 rounded-xl border border-line bg-surface px-2.5 py-1.5 text-sm";
/** As high before it is there as after: nothing jumps. */
const PICTURE = "max-w-full rounded-xl border border-line bg-raised object-contain";

/** The files of a message. */
export function SentFiles({ files }: { files: readonly SentFile[] }) {
  if (files.length === 0) return null;
  return (
    <ul aria-label="Files" className="flex max-w-full flex-col items-start gap-1.5 py-1">
      {files.map((file) => (
        <li key={file.url} className="max-w-full" data-file={file.name}>
          {file.ours ? <Ours file={file} /> : <Elsewhere file={file} />}
        </li>
      ))}
    </ul>
  );
}

function Ours({ file }: { file: SentFile }) {
  const { name, url } = file;
  return (
    <span className="flex max-w-full flex-col items-start gap-1">
      {isPicture(file) && <Picture file={file} />}
      <a href={url} download={name} className={`${FRAME} hover:bg-raised`}>
        <FileText aria-hidden className="size-4 shrink-0" />
        <Name file={file} />
        <Download aria-label="Download" className="size-4 shrink-0" />
      </a>
    </span>
  );
}

/** Small among the words, and as large as the screen when it is pressed. */
function Picture({ file: { name, url } }: { file: SentFile }) {
  const [open, setOpen] = useState(false);
  const source = `${url}?inline=1`;
  return (
    <>
      <button type="button" aria-label={`Look at ${name}`} onClick={() => setOpen(true)} className="max-w-full cursor-zoom-in">
        <img src={source} alt="" loading="lazy" className={classes(PICTURE, "h-44")} />
      </button>
      <Dialog open={open} wide onClose={() => setOpen(false)} title={name}>
        <img src={source} alt={name} className="mx-auto max-h-[78dvh] max-w-full object-contain" />
      </Dialog>
    </>
  );
}

/** What lies elsewhere is not fetched: that would tell elsewhere who reads this. */
function Elsewhere({ file }: { file: SentFile }) {
  if (!/^https?:/i.test(file.url)) return <span className={FRAME}>{file.url}</span>;
  return (
    <a href={file.url} target="_blank" rel="noopener noreferrer nofollow" className={`${FRAME} hover:bg-raised`}>
      <ExternalLink aria-hidden className="size-4 shrink-0" />
      <span className="truncate">{file.url}</span>
    </a>
  );
}

function Name({ file: { name, size } }: { file: { name: string; size: number | null } }) {
  return (
    <>
      {/* A name keeps its own direction, whatever is written around it. */}
      <bdi className="min-w-0 truncate" title={name}>
        {name}
      </bdi>
      {size !== null && <span className="shrink-0 text-xs text-ink-soft">{inBytes(size)}</span>}
    </>
  );
}

/** Files that lie in this browser: of a draft, where they can be taken away again, or on their way. */
export function KeptFiles({ files, onRemove }: { files: readonly KeptFile[]; onRemove?: (file: KeptFile) => void }) {
  if (files.length === 0) return null;
  return (
    <ul aria-label={onRemove ? "Attached files" : "Files"} className="flex max-w-full flex-wrap items-end gap-1.5 py-1">
      {files.map((file) => (
        <li key={file.key} className="max-w-full" data-file={file.name}>
          <KeptView file={file} small={onRemove !== undefined}>
            {onRemove && (
              <IconButton label={`Remove ${file.name}`} className="-my-1 -mr-1.5" onClick={() => onRemove(file)}>
                <X aria-hidden className="size-4" />
              </IconButton>
            )}
          </KeptView>
        </li>
      ))}
    </ul>
  );
}

function KeptView({ file, small, children }: { file: KeptFile; small: boolean; children: ReactNode }) {
  const address = usePreview(file);
  const part = useProgress(file.key);
  return (
    <span className="flex max-w-full flex-col items-start gap-1">
      {address !== null && <img src={address} alt={file.name} className={classes(PICTURE, small ? "h-20" : "h-44")} />}
      <span className={FRAME}>
        <FileText aria-hidden className="size-4 shrink-0" />
        <Name file={file} />
        {part !== undefined && <progress aria-label={`Upload of ${file.name}`} value={part} max={1} className="h-1.5 w-20 accent-accent" />}
        {children}
      </span>
    </span>
  );
}

/** An address in this page for a picture's bytes. */
function usePreview(file: KeptFile): string | null {
  const [address, setAddress] = useState<string | null>(null);
  const shown = isPicture(file);
  const { key } = file;
  useEffect(() => {
    if (!shown) return;
    let made: string | null = null;
    let gone = false;
    void load(key).then((bytes) => {
      if (bytes === undefined || gone) return;
      made = URL.createObjectURL(bytes);
      setAddress(made);
    });
    return () => {
      gone = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [shown, key]);
  return address;
}

async function load(key: string): Promise<Blob | undefined> {
  return (await kept()).get("bytes", key);
}
