import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { Checkbox as AriaCheckbox } from 'react-aria-components/Checkbox';
import { FieldError } from 'react-aria-components/FieldError';
import { Input } from 'react-aria-components/Input';
import { Label } from 'react-aria-components/Label';
import { ListBox, ListBoxItem } from 'react-aria-components/ListBox';
import { Popover } from 'react-aria-components/Popover';
import { Radio, RadioGroup } from 'react-aria-components/RadioGroup';
import { Select as AriaSelect, SelectValue } from 'react-aria-components/Select';
import { Text } from 'react-aria-components/Text';
import { TextArea as AriaTextArea } from 'react-aria-components/TextArea';
import { TextField as AriaTextField } from 'react-aria-components/TextField';
import { useOwnText } from '../i18n/context.tsx';

export interface FieldProps {
  readonly label: string;
  readonly name?: string;
  /** Helps to fill it in; read out with the field. */
  readonly hint?: string;
  /** What is wrong with it. */
  readonly error?: string | undefined;
  readonly isRequired?: boolean;
  readonly isDisabled?: boolean;
}

/** Help and error below a field. */
export function Below({ hint, error }: Pick<FieldProps, 'hint' | 'error'>): ReactNode {
  return (
    <>
      {hint === undefined ? null : (
        <Text slot="description" className="hint">
          {hint}
        </Text>
      )}
      <FieldError className="error">{error}</FieldError>
    </>
  );
}

export function FieldLabel({ label, isRequired }: Pick<FieldProps, 'label' | 'isRequired'>): ReactNode {
  const say = useOwnText();
  return (
    <Label>
      {label}
      {isRequired === true ? <span className="required"> ({say('required')})</span> : null}
    </Label>
  );
}

/** What all fields hand to their component. */
export const commonOf = ({ name, error, isRequired, isDisabled }: FieldProps) => ({
  ...(name === undefined ? {} : { name }),
  ...(error === undefined ? {} : { isInvalid: true }),
  ...(isRequired === undefined ? {} : { isRequired }),
  ...(isDisabled === undefined ? {} : { isDisabled }),
  // Errors are told by the form, beside the field, rather than by the browser's bubbles.
  validationBehavior: 'aria' as const,
});

export interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: 'text' | 'search' | 'email' | 'tel' | 'url' | 'date' | 'time' | 'number';
  /** More than one: a text of several lines. */
  readonly rows?: number;
  readonly placeholder?: string;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  /** Bounds of dates and numbers. */
  readonly min?: string;
  readonly max?: string;
}

/** A line or several lines of text; a date or a time by the browser's own picker. */
export function TextField(props: TextFieldProps): ReactNode {
  const { label, hint, error, isRequired, value, onChange, rows = 1, autoFocus } = props;
  const { type = 'text', placeholder, autoComplete, min, max } = props;
  const focus = autoFocus === undefined ? {} : { autoFocus };
  const hinted = placeholder === undefined ? {} : { placeholder };
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return (
    <AriaTextField
      {...commonOf(props)}
      {...focus}
      className="field"
      value={value}
      onChange={onChange}
      {...(rows === 1 ? { type } : {})}
      {...(autoComplete === undefined ? {} : { autoComplete })}
    >
      <FieldLabel label={label} {...(isRequired === undefined ? {} : { isRequired })} />
      {rows > 1 ? <AriaTextArea rows={rows} {...hinted} /> : <Input {...hinted} {...bounds} />}
      <Below {...(hint === undefined ? {} : { hint })} error={error} />
    </AriaTextField>
  );
}

export interface Option {
  readonly value: string;
  readonly label: string;
}

export interface SelectProps extends FieldProps {
  readonly options: readonly Option[];
  /** Empty when nothing is chosen. */
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
}

/** One of some options, from a list that opens. */
export function Select(props: SelectProps): ReactNode {
  const { label, hint, error, isRequired, options, value, onChange, placeholder } = props;
  const say = useOwnText();
  return (
    <AriaSelect
      {...commonOf(props)}
      className="field"
      value={value === '' ? null : value}
      onChange={(key) => onChange(key === null ? '' : String(key))}
      placeholder={placeholder ?? say('choose')}
    >
      <FieldLabel label={label} {...(isRequired === undefined ? {} : { isRequired })} />
      <Button className="select">
        <SelectValue />
        <span aria-hidden="true" className="arrow">
          ▾
        </span>
      </Button>
      <Below {...(hint === undefined ? {} : { hint })} error={error} />
      <Popover className="popover">
        <ListBox className="listbox" items={options}>
          {(option) => (
            <ListBoxItem id={option.value} textValue={option.label} className="option">
              {option.label}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** One of a few options that are all seen. */
export function RadioButtons(props: Omit<SelectProps, 'placeholder'>): ReactNode {
  const { label, hint, error, isRequired, options, value, onChange } = props;
  return (
    <RadioGroup {...commonOf(props)} className="field radios" value={value} onChange={onChange}>
      <FieldLabel label={label} {...(isRequired === undefined ? {} : { isRequired })} />
      {options.map((option) => (
        <Radio key={option.value} value={option.value} className="choice">
          <span className="mark round" aria-hidden="true" />
          {option.label}
        </Radio>
      ))}
      <Below {...(hint === undefined ? {} : { hint })} error={error} />
    </RadioGroup>
  );
}

export interface CheckboxProps {
  readonly label: ReactNode;
  readonly isSelected: boolean;
  readonly onChange: (isSelected: boolean) => void;
  readonly isDisabled?: boolean;
}

export function Checkbox({ label, ...props }: CheckboxProps): ReactNode {
  return (
    <AriaCheckbox {...props} className="choice">
      <span className="mark" aria-hidden="true">
        ✓
      </span>
      {label}
    </AriaCheckbox>
  );
}
