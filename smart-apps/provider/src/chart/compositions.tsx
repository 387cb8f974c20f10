import {
  Card,
  CardList,
  type CodeableConcept,
  conceptText,
  dateText,
  type Reference,
  type Resource,
  referenceText,
  resourcesOf,
  useLanguage,
  useSearchAll,
} from '@vesta/app-kit';
import type { ReactNode } from 'react';
import { useText } from '../text.ts';

interface SectionOf {
  readonly title?: string;
  readonly code?: CodeableConcept;
  readonly text?: { readonly div: string };
  readonly section?: readonly SectionOf[];
}
interface Composition extends Resource {
  readonly title?: string;
  readonly date?: string;
  readonly type?: CodeableConcept;
  readonly author?: readonly Reference[];
  readonly section?: readonly SectionOf[];
}

/** Notes that are Compositions (R4 composition.html): sections as text. Nothing where there are none. */
export function Compositions({ id }: { readonly id: string }): ReactNode {
  const say = useText();
  const { language } = useLanguage();
  const found = resourcesOf<Composition>(
    useSearchAll<Composition>('Composition', { patient: id, _sort: '-date' }).data,
  );
  if (found.length === 0) return null;
  return (
    <CardList label={say('compositions')}>
      {found.map((one) => (
        <Card
          key={one.id}
          title={one.title ?? conceptText(one.type) ?? ''}
          aside={dateText(one.date, language)}
        >
          <p className="when">{(one.author ?? []).map(referenceText).filter(Boolean).join(', ')}</p>
          <Sections sections={one.section ?? []} />
        </Card>
      ))}
    </CardList>
  );
}

function Sections({ sections }: { readonly sections: readonly SectionOf[] }): ReactNode {
  return sections.map((one, at) => (
    <div key={at} dir="auto">
      <h4>{one.title ?? conceptText(one.code)}</h4>
      <p className="text-file">{one.text === undefined ? '' : plainOf(one.text.div)}</p>
      <Sections sections={one.section ?? []} />
    </div>
  ));
}

/** The text of XHTML; nothing of it gets into the page as markup. */
const plainOf = (div: string): string =>
  new DOMParser().parseFromString(div, 'text/html').body.textContent?.trim() ?? '';
