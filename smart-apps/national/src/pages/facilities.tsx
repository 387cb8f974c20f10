import { DataTable, Found, Link, Loaded, Page, TextField, useLanguage } from '@vesta/app-kit';
import { type ReactNode, useState } from 'react';
import { matching, totals } from '../model/reports.ts';
import { useText } from '../text.ts';
import { useNational, useQuarterText } from '../use-national.ts';

/** All facilities, with what they have reported in all and when last. */
export function Facilities(): ReactNode {
  const say = useText();
  const quarterText = useQuarterText();
  const { language } = useLanguage();
  const number = new Intl.NumberFormat(language);
  const { query, directory, reports, facilities } = useNational();
  const [text, setText] = useState('');
  const counts = new Map(
    totals(matching(reports.figures, { kind: 'visits' }), 'facility').map(({ key, count }) => [key, count]),
  );
  const last = new Map<string, string>();
  for (const { facility, quarter } of reports.submissions)
    if ((last.get(facility) ?? '') < quarter) last.set(facility, quarter);
  const shown = [...facilities.values()]
    .filter(({ name, place }) =>
      `${name} ${place}`.toLocaleLowerCase().includes(text.trim().toLocaleLowerCase()),
    )
    .sort((a, b) => a.name.localeCompare(b.name));
  return (
    <Page title={say('facilities')}>
      <TextField label={say('searchFacility')} type="search" value={text} onChange={setText} />
      <Found count={directory.isFetching || text.trim() === '' ? undefined : shown.length} />
      <Loaded query={query}>
        {() => (
          <Loaded query={directory} isEmpty={() => shown.length === 0} empty={say('noFacilities')}>
            {() => (
              <DataTable
                caption={say('facilities')}
                rows={shown}
                keyOf={({ reference }) => reference}
                columns={[
                  {
                    id: 'name',
                    title: say('facility'),
                    cell: ({ reference, name }) => (
                      <Link href={`/facility/${reference.split('/')[1]}`}>{name}</Link>
                    ),
                  },
                  { id: 'place', title: say('place'), cell: ({ place }) => place },
                  {
                    id: 'last',
                    title: say('lastReport'),
                    cell: ({ reference }) => {
                      const quarter = last.get(reference);
                      return quarter === undefined ? '–' : quarterText(quarter);
                    },
                  },
                  {
                    id: 'visits',
                    title: say('visitsInAll'),
                    isNumber: true,
                    cell: ({ reference }) => number.format(counts.get(reference) ?? 0),
                  },
                ]}
              />
            )}
          </Loaded>
        )}
      </Loaded>
    </Page>
  );
}
