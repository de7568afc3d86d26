import { Check } from "lucide-react";
import { ContextMenu, DropdownMenu } from "radix-ui";
import { type ComponentType, type ReactNode, useRef } from "react";
import { classes } from "./classes";

export interface MenuItem {
  label: string;
  icon?: ComponentType<{ className?: string }>;
  onSelect: () => void;
  danger?: boolean;
  /** Whether it is the one that holds now, where its group is a choice of one. */
  chosen?: boolean;
}

/** Items in groups, with a line between these. */
export type MenuGroups = readonly (readonly MenuItem[])[];

const BOX = "z-50 min-w-48 rounded-xl border border-line bg-surface p-1 shadow-raised";
const ROW =
  "flex min-h-9 cursor-default items-center gap-2 rounded-lg px-2.5 text-sm outline-none select-none data-highlighted:bg-raised pointer-coarse:min-h-11";

type Parts = Pick<typeof ContextMenu, "Item" | "Separator" | "RadioGroup" | "RadioItem">;

/**
 * What was chosen happens when the menu is gone and has given the focus back to where it came from: a dialog that it opens will return it
 * to there, too.
 */
function useChosen() {
  const chosen = useRef<MenuItem["onSelect"]>(null);
  const choose = (act: MenuItem["onSelect"]) => {
    chosen.current = act;
  };
  const onCloseAutoFocus = () => {
    const act = chosen.current;
    chosen.current = null;
    if (act) queueMicrotask(act);
  };
  return { choose, onCloseAutoFocus };
}

interface GroupsProps {
  groups: MenuGroups;
  choose: (act: MenuItem["onSelect"]) => void;
  parts: Parts;
}

function Groups({ groups, choose, parts }: GroupsProps) {
  return groups.map((items, number) => (
    <parts.RadioGroup key={items[0]?.label ?? number} value={items.find(({ chosen }) => chosen)?.label ?? ""}>
      {number > 0 && <parts.Separator className="my-1 h-px bg-line" />}
      {items.map((item) => (
        <Entry key={item.label} item={item} choose={choose} parts={parts} />
      ))}
    </parts.RadioGroup>
  ));
}

function Entry({ item: { label, icon: Icon, onSelect, danger, chosen }, choose, parts: { Item, RadioItem } }: Pick<GroupsProps, "choose" | "parts"> & { item: MenuItem }) {
  const shared = { onSelect: () => choose(onSelect), className: classes(ROW, danger && "text-bad") };
  const words = (
    <>
      {Icon && <Icon className="size-4" aria-hidden />}
      <span className="flex-1">{label}</span>
      {chosen && <Check className="size-4" aria-hidden />}
    </>
  );
  if (chosen === undefined) return <Item {...shared}>{words}</Item>;
  return (
    <RadioItem {...shared} value={label}>
      {words}
    </RadioItem>
  );
}

/** A menu under a button; `children` is the button. */
export function Menu({ groups, children }: { groups: MenuGroups; children: ReactNode }) {
  const { choose, onCloseAutoFocus } = useChosen();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{children}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={BOX} sideOffset={4} align="end" collisionPadding={8} onCloseAutoFocus={onCloseAutoFocus}>
          <Groups groups={groups} choose={choose} parts={DropdownMenu} />
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** A menu where one presses with the right button, or long; `children` is where. */
export function RightMenu({ groups, children }: { groups: MenuGroups; children: ReactNode }) {
  const { choose, onCloseAutoFocus } = useChosen();
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>{children}</ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className={BOX} collisionPadding={8} onCloseAutoFocus={onCloseAutoFocus}>
          <Groups groups={groups} choose={choose} parts={ContextMenu} />
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}
