import { useEffect } from 'react';

/** Takes a person to the first field that has an error, once it is told there (WCAG 2.1, 3.3.1). */
export function focusFirstError(form: HTMLElement): void {
  requestAnimationFrame(() => {
    const field = form.querySelector<HTMLElement>('.field[data-invalid]');
    field?.querySelector<HTMLElement>('input, textarea, button')?.focus();
  });
}

/**
 * Keeps the place of those who go by keyboard or screen reader: when what has the focus is taken out of the page by what it
 * did, such as a button of a card that is done, the part of the page that it was in has it then, not the top of the page
 * (WCAG 2.1, 2.4.3).
 */
export function useKeptFocus(): void {
  useEffect(() => {
    let around: readonly HTMLElement[] = [];
    let inPage: readonly HTMLElement[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const remember = ({ target }: FocusEvent) => {
      around = target instanceof HTMLElement ? ancestorsOf(target) : [];
      // A dialog is opened by something of the page, which may be gone when it is closed.
      if (around.some((each) => each.matches('main'))) inPage = around;
    };
    const isLost = () => document.activeElement === document.body && around[0]?.isConnected === false;
    const restore = () => {
      const place = [...around, ...inPage].find((each) => each.isConnected && each.matches(PLACES));
      if (!isLost() || place === undefined) return;
      if (!place.hasAttribute('tabindex')) place.tabIndex = -1;
      place.focus({ preventScroll: true });
    };
    const watcher = new MutationObserver(() => {
      if (!isLost()) return;
      // Dialogs and pages that are gone to take the focus themselves.
      clearTimeout(timer);
      timer = setTimeout(restore, LATER);
    });
    document.addEventListener('focusin', remember);
    watcher.observe(document.body, { childList: true, subtree: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('focusin', remember);
      watcher.disconnect();
    };
  }, []);
}

const LATER = 100;

/** What may have the focus in place of what was in it. */
const PLACES = 'li, section, form, [role=tabpanel], main';

/** An element and those around it, the innermost first. */
function ancestorsOf(element: HTMLElement): HTMLElement[] {
  const all: HTMLElement[] = [];
  for (let each: HTMLElement | null = element; each !== null; each = each.parentElement) all.push(each);
  return all;
}
