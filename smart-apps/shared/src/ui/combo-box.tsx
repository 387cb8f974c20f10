import { type ReactNode, useContext, useEffect, useRef } from 'react';
import { ComboBox, ComboBoxStateContext } from 'react-aria-components/ComboBox';
import { Input } from 'react-aria-components/Input';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Text } from 'react-aria-components/Text';
import { Below, commonOf, FieldLabel, type FieldProps, type Option } from './fields.tsx';

export interface SuggestedOption extends Option {
  /** Tells apart what is called alike. */
  readonly detail?: string;
}

export interface ComboFieldProps extends Omit<FieldProps, 'hint'> {
  /** The text as it stands; any text may. */
  readonly text: string;
  readonly onText: (text: string) => void;
  /** What fits the text, as far as it is known. */
  readonly options: readonly SuggestedOption[];
  /** Value of the option that was chosen; empty when the text is the person's own. */
  readonly chosen: string;
  readonly onChoose: (option: SuggestedOption) => void;
  /** How the search for options stands: belongs to the field as its help, and is read out when it changes. */
  readonly status: string;
}

/**
 * A line of text with suggestions: arrow keys go through them, Enter takes one, Escape closes them, and what is written
 * stays as it is when none is taken (ARIA Authoring Practices, Combobox).
 */
export function ComboField(props: ComboFieldProps): ReactNode {
  const { label, error, isRequired, text, onText, options, chosen, onChoose, status } = props;
  return (
    <ComboBox
      {...commonOf(props)}
      className="field"
      items={options}
      inputValue={text}
      onInputChange={onText}
      value={chosen === '' ? null : chosen}
      onChange={(key) => {
        const option = options.find(({ value }) => value === key);
        if (option !== undefined) onChoose(option);
      }}
      allowsCustomValue
    >
      <FieldLabel label={label} {...(isRequired === undefined ? {} : { isRequired })} />
      <Input dir="auto" autoComplete="off" />
      <Text slot="description" elementType="p" className="hint" role="status">
        {status}
      </Text>
      <Below error={error} />
      <OpensWhenFound text={text} isFound={options.length > 0 && chosen === ''} />
      <Popover className="popover" {...inMain()}>
        <ListBox<SuggestedOption> className="listbox">
          {(option) => (
            <ListBoxItem id={option.value} textValue={option.label} className="option">
              <bdi>{option.label}</bdi>{' '}
              {option.detail === undefined ? null : (
                <span className="hint">
                  <bdi>{option.detail}</bdi>
                </span>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </ComboBox>
  );
}

/** The suggestions belong to the page's main part, as what they are for does. */
function inMain(): { readonly UNSTABLE_portalContainer?: HTMLElement } {
  const main = document.getElementById('main');
  return main === null ? {} : { UNSTABLE_portalContainer: main };
}

const STAYS = 'data-react-aria-top-layer';

/** Shows suggestions that come after the text was typed; once for a text, so that Escape closes them for good. */
function OpensWhenFound({ text, isFound }: { readonly text: string; readonly isFound: boolean }): ReactNode {
  const state = useContext(ComboBoxStateContext);
  const shown = useRef(text);
  const isOpen = state?.isOpen === true;
  useEffect(() => {
    if (!isOpen) return;
    // The library would hide the rest of the page from screen readers while it can still be tabbed to; a combobox is no
    // dialog, and what it says below the field is to be heard. Effects of children come before it does.
    const root = document.getElementById('root');
    root?.setAttribute(STAYS, 'true');
    return () => root?.removeAttribute(STAYS);
  }, [isOpen]);
  useEffect(() => {
    if (state === null) return;
    if (state.isOpen) shown.current = text;
    else if (isFound && state.isFocused && shown.current !== text) state.open(null, 'input');
  });
  return null;
}
