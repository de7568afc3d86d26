import { type ReactNode, useId } from "react";

/** A screen that is read from top to bottom and scrolls as a whole. */
export function Sheet({ children }: { children: ReactNode }) {
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      <div className="mx-auto flex max-w-5xl flex-col gap-4 p-4 md:p-6">{children}</div>
    </div>
  );
}

interface Headed {
  title: string;
  /** Beside the heading: buttons, a count. */
  beside?: ReactNode;
  children: ReactNode;
}

/** A page of the operator, with its name. */
export function Page({ title, beside, children }: Headed) {
  return (
    <Sheet>
      <header className="flex min-h-9 flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="flex-1 text-xl font-semibold whitespace-nowrap">{title}</h1>
        {beside}
      </header>
      {children}
    </Sheet>
  );
}

/** One subject of a screen, under its heading. */
export function Panel({ title, beside, children }: Headed) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="min-w-0 rounded-xl border border-line bg-surface">
      <header className="flex min-h-12 flex-wrap items-center gap-2 border-b border-line px-4 py-1">
        <h2 id={id} className="flex-1 text-sm font-semibold">
          {title}
        </h2>
        {beside}
      </header>
      <div className="p-4">{children}</div>
    </section>
  );
}

/** Names and what they stand for. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid grid-cols-[minmax(7rem,auto)_minmax(0,1fr)] gap-x-4 gap-y-2 text-sm">{children}</dl>;
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-soft">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
