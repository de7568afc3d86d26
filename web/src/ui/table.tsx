import type { ReactNode } from "react";

interface Props {
  label: string;
  columns: readonly string[];
  /** Rows of `<td>`. */
  children: ReactNode;
}

/** Rows and columns within a panel; what is too wide is scrolled, by the keyboard too. */
export function Table({ label, columns, children }: Props) {
  return (
    <div role="group" aria-label={label} tabIndex={0} className="-mx-4 -my-2 overflow-x-auto px-4">
      <table className="w-full text-sm">
        <thead>
          <tr className="text-left text-xs text-ink-soft">
            {columns.map((column) => (
              <th key={column} scope="col" className="py-2 pr-4 font-medium whitespace-nowrap">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="[&_td]:py-2 [&_td]:pr-4 [&_td]:align-top [&_tr]:border-t [&_tr]:border-line">{children}</tbody>
      </table>
    </div>
  );
}
