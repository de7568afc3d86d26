import { ToggleGroup } from "radix-ui";

interface Props<T extends string> {
  /** What is chosen between, for those who do not see it. */
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}

/** One of a few, all of them in sight. */
export function Toggle<T extends string>({ label, options, value, onChange }: Props<T>) {
  return (
    <ToggleGroup.Root type="single" aria-label={label} value={value} onValueChange={(chosen) => chosen && onChange(chosen as T)} className="inline-flex rounded-lg border border-line bg-surface p-0.5">
      {options.map((option) => (
        <ToggleGroup.Item
          key={option.value}
          value={option.value}
          className="min-h-8 rounded-md px-3 text-sm text-ink-soft hover:text-ink data-[state=on]:bg-raised data-[state=on]:font-medium data-[state=on]:text-ink pointer-coarse:min-h-11"
        >
          {option.label}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
