import { Upload } from "lucide-react";
import { type DragEvent, type ReactNode, useState } from "react";

const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes("Files");

/** A place to drop files on. */
export function DropZone({ label, onFiles, children }: { label: string; onFiles: (files: readonly File[]) => void; children: ReactNode }) {
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent) => {
    if (!hasFiles(event)) return;
    // Without this the browser leaves the page and opens the file.
    event.preventDefault();
    setOver(true);
  };
  const leave = (event: DragEvent) => {
    if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
  };
  const drop = (event: DragEvent) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    onFiles([...event.dataTransfer.files]);
  };
  return (
    <section aria-label={label} onDragEnter={drag} onDragOver={drag} onDragLeave={leave} onDrop={drop} className="relative flex min-h-0 flex-1 flex-col">
      {children}
      {over && (
        <div className="pointer-events-none absolute inset-2 z-10 flex items-center justify-center gap-2 rounded-2xl border-2 border-dashed border-accent bg-accent-soft/90 font-medium">
          <Upload aria-hidden className="size-5" /> Drop it to attach it
        </div>
      )}
    </section>
  );
}
