interface Named {
  id: string;
  name: string;
}

interface Props {
  /** Who is below what is removed. */
  along: readonly Named[];
  /** What tells those of the same name apart, by their ids. */
  titles: ReadonlyMap<string, string>;
  /** Messages of all of them that have not ended. */
  unfinished: number;
}

/** What a removal takes along, before it is done. */
export function TakenAlong({ along, titles, unfinished }: Props) {
  return (
    <>
      {along.length > 0 && <Names title={along.length === 1 ? "The agent below goes with it:" : `The ${along.length} agents below go, too:`} all={along} titles={titles} />}
      {unfinished > 0 && <p>{unfinished === 1 ? "One unfinished message fails; its sender is told." : `${unfinished} unfinished messages fail; their senders are told.`}</p>}
      <p>Its chat is not shown any more, and the tokens are refused from then on. This can not be undone.</p>
    </>
  );
}

export function Names({ title, all, titles }: { title: string; all: readonly Named[]; titles: Props["titles"] }) {
  return (
    <div>
      <p>{title}</p>
      <ul className="mt-1 max-h-40 list-disc overflow-y-auto pl-5 text-ink-soft">
        {all.map(({ id, name }) => (
          <li key={id}>{titles.get(id) ?? name}</li>
        ))}
      </ul>
    </div>
  );
}
