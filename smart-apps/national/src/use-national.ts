import type { UseQueryResult } from '@tanstack/react-query';
import {
  type Bundle,
  type FhirRequestError,
  type Location,
  type Organization,
  resourcesOf,
  useLanguage,
  useSearchAll,
} from '@vesta/app-kit';
import { useMemo } from 'react';
import { type Reports, reportsOf } from './model/reports.ts';
import { useText } from './text.ts';

type Placed = Location & {
  managingOrganization?: { reference?: string };
  position?: { latitude?: number; longitude?: number };
};

export interface Facility {
  /** `Organization/id`. */
  readonly reference: string;
  readonly name: string;
  readonly place: string;
  readonly position: { readonly latitude: number; readonly longitude: number } | undefined;
}

export interface National {
  /** Of the reports: for its states. */
  readonly query: UseQueryResult<Bundle, FhirRequestError>;
  /** Of the facilities, where they are what is shown. */
  readonly directory: UseQueryResult<Bundle<Organization>, FhirRequestError>;
  readonly reports: Reports;
  readonly facilities: ReadonlyMap<string, Facility>;
  nameOf(facility: string): string;
}

/** Reports come rarely: they are asked for again after minutes. */
const OLD = 5 * 60_000;

/** What has been submitted, and by whom. */
export function useNational(): National {
  const query = useSearchAll('MeasureReport', { _sort: '-date' }, { staleTime: OLD });
  const organizations = useSearchAll<Organization>('Organization', {}, { staleTime: OLD });
  const locations = useSearchAll<Placed>('Location', {}, { staleTime: OLD });
  const reports = useMemo(() => reportsOf(query.data), [query.data]);
  const facilities = useMemo(() => {
    const places = new Map(
      resourcesOf<Placed>(locations.data).map((one) => [one.managingOrganization?.reference, one] as const),
    );
    return new Map(
      resourcesOf<Organization>(organizations.data).map((one): [string, Facility] => {
        const reference = `Organization/${one.id}`;
        const { latitude, longitude } = places.get(reference)?.position ?? {};
        const [address] = one.address ?? [];
        return [
          reference,
          {
            reference,
            name: one.name ?? reference,
            place: [address?.city, address?.state].filter(Boolean).join(', '),
            position: latitude === undefined || longitude === undefined ? undefined : { latitude, longitude },
          },
        ];
      }),
    );
  }, [organizations.data, locations.data]);
  return {
    query,
    directory: organizations,
    reports,
    facilities,
    nameOf: (facility) => facilities.get(facility)?.name ?? facility,
  };
}

const DEPARTMENTS = ['AMB', 'EMER', 'IMP', 'HH', 'VR'] as const;

/** A department's name; what facilities call it when it is none of the usual ones. */
export function useDepartmentName(): (key: string, name: string) => string {
  const say = useText();
  return (key, name) => {
    const known = DEPARTMENTS.find((one) => one === key);
    return known === undefined ? name : say(`department_${known}`);
  };
}

/** `3rd quarter of 2025` in the person's language. */
export function useQuarterText(): (quarter: string) => string {
  const say = useText();
  const { language } = useLanguage();
  return (quarter) => {
    const [year = '', number = ''] = quarter.split('-Q');
    const digits = new Intl.NumberFormat(language, { useGrouping: false });
    return say('quarterOf', { number: digits.format(Number(number)), year: digits.format(Number(year)) });
  };
}
