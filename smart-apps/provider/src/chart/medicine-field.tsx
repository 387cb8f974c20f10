import { ComboField } from '@vesta/app-kit';
import type { ReactNode } from 'react';
import type { Coding } from '../model/fhir.ts';
import { codeText, keyOf } from '../model/medicine-search.ts';
import { type TextName, useText } from '../text.ts';
import { type MedicineSearch, useMedicines } from './use-medicines.ts';

const SENTENCES: Readonly<Record<MedicineSearch['state'], TextName>> = {
  idle: 'medicineIdle',
  searching: 'medicineSearching',
  found: 'medicineFound',
  none: 'medicineNone',
  failed: 'medicineFailed',
  offline: 'medicineOffline',
};

export interface MedicineFieldProps {
  readonly patient: string;
  readonly text: string;
  readonly coding: Coding | undefined;
  /** A medicine by its code, or, without one, as the person writes it. */
  readonly onChange: (text: string, coding: Coding | undefined) => void;
  readonly error: string | undefined;
}

/** The medicine of an order: chosen by its code where the server knows one, else written. */
export function MedicineField({ patient, text, coding, onChange, error }: MedicineFieldProps): ReactNode {
  const say = useText();
  const { found, state } = useMedicines(patient, coding === undefined ? text : '');
  return (
    <ComboField
      label={say('medicine')}
      text={text}
      // What was chosen stays chosen until the text is another one.
      onText={(typed) => typed === text || onChange(typed, undefined)}
      options={found.map((one) => ({
        value: keyOf(one.coding),
        label: one.label,
        detail: codeText(one.coding),
      }))}
      chosen={coding === undefined ? '' : keyOf(coding)}
      onChoose={({ value }) => {
        const chosen = found.find((one) => keyOf(one.coding) === value);
        if (chosen !== undefined) onChange(chosen.label, { ...chosen.coding, userSelected: true });
      }}
      status={
        coding === undefined
          ? say(SENTENCES[state], { count: found.length })
          : say('medicineChosen', { code: codeText(coding) })
      }
      isRequired
      error={error}
    />
  );
}
