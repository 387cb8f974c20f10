import type { ReactNode } from 'react';
import { Dialog as AriaDialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { useOwnText } from '../i18n/context.tsx';
import { Button } from './button.tsx';

export interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Must be answered: it is not closed by a press beside it. */
  readonly isAlert?: boolean;
}

/** A dialog over the page; Escape closes it, and focus goes back to where it was. */
export function Dialog({ title, isOpen, onClose, children, isAlert = false }: DialogProps): ReactNode {
  const say = useOwnText();
  return (
    <ModalOverlay
      className="overlay"
      isOpen={isOpen}
      onOpenChange={(open) => open || onClose()}
      isDismissable={!isAlert}
    >
      <Modal className="modal">
        <AriaDialog className="dialog" role={isAlert ? 'alertdialog' : 'dialog'}>
          <div className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <Button look="plain" aria-label={say('close')} onPress={onClose}>
              <span aria-hidden="true">✕</span>
            </Button>
          </div>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
