import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandTemplate, relativeUrl } from './template.ts';
import { TemplateError, type TokenSource } from './token.ts';

const source: TokenSource = {
  today: '2024-03-01',
  context: {
    userId: 'PractitionerRole/role1',
    patientId: '123',
    selections: ['MedicationRequest/m1', 'MedicationRequest/m2'],
    draftOrders: {
      resourceType: 'Bundle',
      entry: [
        {
          resource: {
            resourceType: 'MedicationRequest',
            id: 'm1',
            medicationReference: { reference: 'Medication/med1' },
            requester: { reference: 'Practitioner/p1' },
          },
        },
        {
          resource: {
            resourceType: 'MedicationRequest',
            id: 'm2',
            medicationReference: { reference: 'urn:uuid:5d9a46e2-6a51-4d55-8e1b-0f0a2f1f6a01' },
          },
        },
        {
          fullUrl: 'urn:uuid:5d9a46e2-6a51-4d55-8e1b-0f0a2f1f6a01',
          resource: { resourceType: 'Medication', id: 'med2' },
        },
        { resource: { resourceType: 'ServiceRequest', id: 's1' } },
      ],
    },
  },
};

const expand = (template: string, more: Partial<TokenSource> = {}) => {
  const query = expandTemplate(template, { ...source, ...more });
  return query && relativeUrl(query);
};

describe('prefetch templates (CDS Hooks 2.0, Prefetch Template)', () => {
  it('replaces fields of the context in reads and searches', () => {
    expect(expand('Patient/{{context.patientId}}')).toBe('Patient/123');
    expect(expand('{{context.userId}}')).toBe('PractitionerRole/role1');
    expect(expand('Observation?patient={{ context.patientId }}&code=4548-4&_count=1&_sort=-date')).toBe(
      'Observation?patient=123&code=4548-4&_count=1&_sort=-date',
    );
  });

  it('replaces the ids of the user, each for its own type only', () => {
    const template = (type: string) => `${type}?_id={{user${type}Id}}`;
    expect(expand(template('PractitionerRole'))).toBe('PractitionerRole?_id=role1');
    expect(expand(template('Practitioner'))).toBeUndefined();
    expect(expand(template('Practitioner'), { user: { Practitioner: 'p9' } })).toBe('Practitioner?_id=p9');
    for (const type of ['Patient', 'RelatedPerson']) {
      expect(expand(template(type), { context: { userId: `${type}/x` } })).toBe(`${type}?_id=x`);
    }
  });

  it('has nothing to fetch where a token has no value', () => {
    expect(expand('Encounter/{{context.encounterId}}')).toBeUndefined();
    expect(expand('Medication?_id={{context.draftOrders.NutritionOrder.id}}')).toBeUndefined();
  });

  it('walks into resources of the context, by type, choice, ofType() and resolve() (next version, Simpler FHIRPath)', () => {
    expect(expand('MedicationRequest?_id={{context.draftOrders.MedicationRequest.id}}')).toBe(
      'MedicationRequest?_id=m1%2Cm2',
    );
    expect(
      expand('ServiceRequest?_id={{context.draftOrders.entry.resource.ofType(ServiceRequest).id}}'),
    ).toBe('ServiceRequest?_id=s1');
    const medication = 'context.draftOrders.entry.resource.ofType(MedicationRequest).medication.resolve()';
    expect(expand(`Medication?_id={{${medication}.id}}`)).toBe('Medication?_id=med1%2Cmed2');
    expect(expand(`Medication?_id={{${medication}.ofType(Practitioner).id}}`)).toBeUndefined();
    expect(
      expand(`Basic?_id={{context.draftOrders.ServiceRequest.id|context.draftOrders.MedicationRequest.id}}`),
    ).toBe('Basic?_id=s1%2Cm1%2Cm2');
  });

  it('counts days from today()', () => {
    expect(expand('Appointment?date=ge{{today()}}')).toBe('Appointment?date=ge2024-03-01');
    expect(expand('Appointment?date=ge{{today() - 1 day}}')).toBe('Appointment?date=ge2024-02-29');
    expect(expand('Appointment?date=lt{{today() + 365 days}}')).toBe('Appointment?date=lt2025-03-01');
  });

  it('takes data of other templates by %key', () => {
    const prefetched = {
      roles: {
        resourceType: 'Bundle',
        entry: [
          { resource: { resourceType: 'PractitionerRole', practitioner: { reference: 'Practitioner/z' } } },
        ],
      },
    };
    expect(
      expand('Practitioner?_id={{%roles.entry.resource.practitioner.resolve().id}}', { prefetched }),
    ).toBe('Practitioner?_id=z');
  });

  it('refuses what is neither a read nor a search of a type', () => {
    for (const template of [
      'https://evil.example/Patient/1',
      '//evil.example/Patient/1',
      'Patient/1/_history',
      'Patient/1/$everything',
      'Patient/$match',
      '$reindex',
      '_history',
      'metadata',
      '../other/Patient/1',
      'Patient/..',
      'Patient',
      '?name=x',
      'Nothing/1',
      'Patient/1?_elements=id',
      'Patient?{{context.patientId}}=1',
      'Patient?name={{context.patientId',
      'Patient?name={{1 + 1}}',
      'Patient?name={{context.patientId.toString()}}',
      'Patient?name=%zz',
    ]) {
      expect(() => expand(template), template).toThrow(TemplateError);
    }
  });

  it('never lets a value change what is asked, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (patientId) => {
        const context = { patientId };
        const search = expandTemplate('Observation?patient={{context.patientId}}&code=1', {
          ...source,
          context,
        });
        if (search?.kind !== 'search') throw new Error('no search');
        expect(search.type).toBe('Observation');
        expect(search.query.map(([name]) => name)).toEqual(['patient', 'code']);
        // Neither may it become several values.
        expect(search.query[0]?.[1].replace(/\\./gs, '')).not.toMatch(/,/);
        const url = new URL(`https://x.example/fhir/${relativeUrl(search)}`);
        expect(url.pathname).toBe('/fhir/Observation');
        expect([...url.searchParams.keys()]).toEqual(['patient', 'code']);
        try {
          const read = expandTemplate('Patient/{{context.patientId}}', { ...source, context });
          expect(read).toEqual({ kind: 'read', type: 'Patient', id: patientId });
          expect(patientId).toMatch(/^[A-Za-z0-9\-.]{1,64}$/);
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
    );
  });

  it('throws nothing but TemplateError, whatever the template', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '{{',
        '}}',
        'context',
        '.patientId',
        'Patient',
        '?',
        '&',
        '=',
        '/',
        '%',
        'today()',
        '|',
        '..',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        try {
          const query = expandTemplate(pieces.join(''), source);
          if (query !== undefined) expect(relativeUrl(query)).toMatch(/^[A-Z][A-Za-z]+[/?]/);
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
        }
      }),
    );
  });
});
