import { Dialog as Base } from '@base-ui/react/dialog';
import type { ReactNode } from 'react';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  width?: string;
}

/** A dialog that is open as long as it is on the page. */
export function Dialog({ title, onClose, children, width = 'max-w-lg' }: DialogProps) {
  return (
    <Base.Root
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-30 bg-black/40" />
        <Base.Popup
          className={`panel fixed top-[12vh] left-1/2 z-40 flex max-h-[76vh] w-[calc(100%-2rem)] ${width} -translate-x-1/2 flex-col gap-4 overflow-auto p-5 shadow-xl`}
        >
          <Base.Title className="text-base font-semibold">{title}</Base.Title>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

export const CloseDialog = Base.Close;
