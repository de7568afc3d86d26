import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Button } from "./button";
import { Dialog } from "./dialog";

interface Props {
  open: boolean;
  title: string;
  /** What will be gone, or what comes of it. */
  children: ReactNode;
  /** The verb on the button. */
  action: string;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before what can not be taken back; stays open with the reason when it could not be done. */
export function Confirm({ open, title, children, action, onConfirm, onClose }: Props) {
  const { mutate, reset, isPending, error } = useMutation({ mutationFn: onConfirm });
  const close = () => {
    reset();
    onClose();
  };
  return (
    <Dialog open={open} onClose={close} title={title}>
      <div className="flex flex-col gap-3 text-sm">{children}</div>
      {error && (
        <p role="alert" className="mt-3 text-sm text-bad">
          {error.message}
        </p>
      )}
      <div className="mt-5 flex flex-wrap justify-end gap-2">
        <Button onClick={close}>Keep it</Button>
        <Button look="danger" busy={isPending} onClick={() => mutate(undefined, { onSuccess: close })}>
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
