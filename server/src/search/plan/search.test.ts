import { describe, test } from 'vitest';
import { BASE, expectAll, useSearchDatabase } from './test-search.ts';

useSearchDatabase();

describe('R4 search.html#token', () => {
  test('code, system|code, |code, system|; codes without case, identifiers with case', () =>
    expectAll({
      'Observation?code=29463-7': 'w1 w2 w3 w4',
      'Observation?code=http://loinc.org|29463-7': 'w1 w2 w3 w4',
      'Observation?code=http://other|29463-7': '',
      'Observation?code=|29463-7': '',
      'Observation?code=http://loinc.org|': 'bp text w1 w2 w3 w4',
      'Observation?code=85354-9,1-1': 'bp text',
      'Observation?category=VITAL-SIGNS': 'w1',
      'Patient?identifier=http://mrn|Ab1': 'p1',
      'Patient?identifier=ab1': 'p2',
      'Patient?gender=MALE': 'p1',
      'Patient?gender=http://hl7.org/fhir/administrative-gender|female': 'p2',
      'Patient?active=true': 'p1',
      'Patient?email=p1@x.org': 'p1',
      'Patient?phone=p1@x.org': '',
      'Patient?_tag=http://tags|demo': 'p1',
      'Patient?deceased=true': 'p3',
    }));

  test(':not finds what has no such value, also no value at all', () =>
    expectAll({ 'Patient?gender:not=male': 'p2 p3', 'Patient?gender:not=male,female': 'p3' }));

  test(':text, :of-type, :in, :not-in, :below, :above', () =>
    expectAll({
      'Observation?category:text=vital': 'w1',
      'Observation?category:text=ward': '',
      'Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|Ab1': 'p1',
      'Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|ab1': '',
      'Observation?code:in=http://vs': 'w1 w2 w3 w4',
      'Observation?code:not-in=http://vs': 'bp group text',
      'Condition?code:below=http://snomed.info/sct|1': 'c1',
      'Condition?code:above=http://snomed.info/sct|100': 'c1',
    }));
});

describe('R4 search.html#string', () => {
  test('starts with, without case and accents; :exact; :contains', () =>
    expectAll({
      'Patient?family=mull': 'p1 p2',
      'Patient?family=MÜLLER': 'p1 p2',
      'Patient?family:exact=Müller': 'p1',
      'Patient?family:exact=müller': '',
      'Patient?family:contains=ULLERS': 'p2',
      'Patient?given=james': 'p1',
      'Patient?name=zed,anna': 'p2 p3',
      'Patient?given=peter&given=james': 'p1',
      'Patient?address:contains=50%25_': 'p1',
      'Patient?address:contains=5_%25': '',
      'Patient?address-city=koln': 'p1',
      'Observation?value-string=needs follow-up\\, s': 'text',
    }));
});

describe('R4 search.html#date', () => {
  test('precision of the search and of the value; periods', () =>
    expectAll({
      'Observation?date=2020-01': 'w1',
      'Observation?date=2020': 'w1 w2',
      'Observation?date=ne2020': 'bp text w3',
      'Observation?date=gt2020-12-31': 'bp text',
      'Observation?date=lt2020-01-15': 'w3',
      'Observation?date=ge2020-02': 'bp text w2',
      'Observation?date=le2020-01-15': 'w1 w3',
      'Observation?date=sa2020-01-31': 'bp text w2',
      'Observation?date=eb2020-02-01': 'w1 w3',
      'Observation?date=ge2020-01-01&date=lt2021': 'w1 w2 w3',
      'Observation?date=ap2021-03-04': 'bp',
      'Observation?date=ap2020-05': 'w1 w2 w3',
      'Observation?date=2020-01-15T10:00:00Z': 'w1',
      'Observation?date=2020-01-15T11:00:00%2B01:00': 'w1',
      'Patient?birthdate=1980-05': 'p1',
      'Patient?birthdate=1990-02-03': '',
      'Patient?birthdate=ge1990-02-03': 'p2',
      'Patient?death-date=2020': 'p3',
      'Patient?_lastUpdated=ge2024-05': 'p2',
      'Patient?_lastUpdated=2024-01-01': 'p1',
    }));
});

describe('R4 search.html#number and #quantity', () => {
  test('numbers: implicit precision', () =>
    expectAll({
      'RiskAssessment?probability=100': 'r1',
      'RiskAssessment?probability=1e2': 'r1 r2',
      'RiskAssessment?probability=gt100': 'r2',
      'RiskAssessment?probability=lt1': 'r2',
      'RiskAssessment?probability=ap99': 'r1 r2',
      'RiskAssessment?probability=ne100': 'r2',
    }));

  test('UCUM units are converted, other units and no unit compare as given', () =>
    expectAll({
      'Observation?value-quantity=5|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?value-quantity=5000|http://unitsofmeasure.org|mg': 'w1 w2',
      'Observation?value-quantity=5000.00|http://unitsofmeasure.org|mg': 'w1',
      'Observation?value-quantity=5': 'w1 w3',
      'Observation?value-quantity=5||stone': 'w3',
      'Observation?value-quantity=5||g': 'w1',
      'Observation?value-quantity=5000': 'w2',
      'Observation?value-quantity=0.005': '',
      'Observation?value-quantity=gt4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'Observation?value-quantity=lt0.006|http://unitsofmeasure.org|kg': 'w1 w2',
      'Observation?value-quantity=ap5.4|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?component-value-quantity=ge140|http://unitsofmeasure.org|mm[Hg]': 'bp',
    }));
});

describe('R4 search.html#uri', () => {
  test('exact; :below by prefix; :above by what is a prefix of the value', () =>
    expectAll({
      'ValueSet?url=http://acme.org/fhir/ValueSet/123': 'v1',
      'ValueSet?url=http://acme.org/fhir/ValueSet/1': '',
      'ValueSet?url:below=http://acme.org/fhir': 'v1 v2',
      'ValueSet?url:below=http://acme.org/fhir/ValueSet/123': 'v1',
      'ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5': 'v1',
      'Patient?_profile=http://example.org/StructureDefinition/us-patient': 'p1',
      'Patient?_profile=http://example.org/StructureDefinition/us-patient|2.0': 'p1',
      'Patient?_source=http://source.org/feed%231': 'p1',
    }));
});

describe('R4 search.html#reference', () => {
  test('id, Type/id, absolute URL, type modifier, other servers, versions, identifiers', () =>
    expectAll({
      'Observation?subject=Patient/p1': 'bp w1 w2',
      'Observation?subject=p1': 'bp w1 w2',
      'Observation?subject=g1': 'group',
      'Observation?subject:Patient=p2': 'w3 w4',
      'Observation?subject:Group=p2': '',
      'Observation?patient=p1': 'bp w1 w2',
      'Observation?patient=p1,Patient/p2': 'bp w1 w2 w3 w4',
      [`Observation?patient=${BASE}/Patient/p1`]: 'bp w1 w2',
      'Observation?patient=http://elsewhere.org/fhir/Patient/p1': '',
      'Procedure?performer=http://other.org/fhir/Practitioner/7': 'x1',
      'Procedure?reason-reference=Condition/c1': 'x1',
      'Procedure?reason-reference=Condition/c1/_history/2': 'x1',
      'Procedure?reason-reference=Condition/c1/_history/3': '',
      'Procedure?subject:identifier=http://mrn|ZZ': 'x1',
      'Procedure?subject:identifier=http://mrn|zz': '',
      'QuestionnaireResponse?questionnaire=http://acme.org/q': 'qr1',
      'QuestionnaireResponse?questionnaire=http://acme.org/q|1.0': 'qr1',
      'QuestionnaireResponse?questionnaire=http://acme.org/q|2.0': '',
      'Observation?patient=p1&code=85354-9&status=final': 'bp',
    }));

  test(':below and :above follow a hierarchy (search.html#recursive)', () =>
    expectAll({
      'Procedure?location:below=Location/l1': 'x1',
      'Procedure?location:below=l2': 'x1',
      'Procedure?location:above=l1': '',
      'Patient?organization:below=Organization/o1': 'p1 p2',
      'Patient?organization:below=Organization/o2': 'p1',
      'Patient?organization:above=Organization/o2': 'p2',
    }));
});

describe('R4 search.html#modifiers :missing', () => {
  test('values that are there and are not', () =>
    expectAll({
      'Patient?gender:missing=true': 'p3',
      'Patient?gender:missing=false': 'p1 p2',
      'Observation?date:missing=true': 'group w4',
      'Patient?_id:missing=true': '',
    }));
});

describe('R4 search.html#combining', () => {
  test('composites: the parts belong to the same element', () =>
    expectAll({
      'Observation?code-value-quantity=http://loinc.org|29463-7$gt4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'Observation?code-value-quantity=85354-9$gt4': '',
      'Observation?component-code-value-quantity=8480-6$gt100|http://unitsofmeasure.org|mm[Hg]': 'bp',
      'Observation?component-code-value-quantity=8462-4$gt100|http://unitsofmeasure.org|mm[Hg]': '',
      'Observation?component-code-value-quantity=http://loinc.org|8480-6$140': 'bp',
      'Observation?combo-code-value-quantity=8480-6$gt100|http://unitsofmeasure.org|mm[Hg]': 'bp',
      'Observation?combo-code-value-quantity=29463-7$5|http://unitsofmeasure.org|g': 'w1 w2',
      'Observation?combo-code-value-quantity=85354-9$gt100': '',
      'Observation?code-value-string=1-1$needs': 'text',
      'Observation?code-value-concept=x$http://snomed.info/sct|10': '',
      'ValueSet?context-type-quantity=age$15|http://unitsofmeasure.org|a': '',
      'ValueSet?context-type-quantity=age$gt15|http://unitsofmeasure.org|a': 'v1',
      'ValueSet?context-type-value=focus$http://snomed.info/sct|10': 'v1',
      'ValueSet?context-type-value=age$http://snomed.info/sct|10': '',
      'MolecularSequence?referenceseqid-window-coordinate=http://ncbi|NC_1$ge5$le30': 's1',
      'MolecularSequence?referenceseqid-window-coordinate=http://ncbi|NC_1$ge15$le30': '',
    }));
});

describe('R4 search.html, parameters of all resources and special ones', () => {
  test('_id, _list, _text, _content', () =>
    expectAll({
      'Patient?_id=p1,p3,nobody': 'p1 p3',
      'Patient?_id=p1&gender=female': '',
      'Patient?_id:not=p1': 'p2 p3',
      'Patient?_list=l': 'p1',
      'Observation?_list=l': 'w1',
      'Patient?_text=fever': 'p1',
      'Patient?_text=feve': '',
      'Patient?_text=(fever OR nothing) and NOT flu': 'p1',
      'Patient?_content=zed': 'p3',
      'Patient?_content=james müller': 'p1',
      'Patient?_text=xmlns': '',
    }));

  test('_filter (R4 search_filter.html)', () =>
    expectAll({
      'Patient?_filter=name co "ull"': 'p1 p2',
      'Patient?_filter=given eq "peter" and birthdate ge 1980': 'p1',
      'Patient?_filter=family eq "mullers"': '',
      'Patient?_filter=family ew "son"': 'p2',
      'Patient?_filter=gender eq male or gender eq female and active eq true': 'p1',
      'Patient?_filter=not (gender eq male)': 'p2 p3',
      'Patient?_filter=gender ne male': 'p2',
      'Patient?_filter=gender pr false': 'p3',
      'Observation?_filter=subject.name co "zed"': 'text',
      'Observation?_filter=subject:Patient.organization.name sw "good"': 'w3 w4',
      'Observation?_filter=subject[gender eq female].name co "ull"': 'w3 w4',
      'Observation?_filter=code in http://vs and patient re Patient/p2': 'w3 w4',
      'Observation?_filter=code ni http://vs': 'bp group text',
      'Observation?_filter=date po 2020-01': 'w1 w3',
      'Condition?_filter=code ss http://snomed.info/sct|1': 'c1',
      'Observation?_filter=value-quantity gt 4|http://unitsofmeasure.org|g': 'w1 w2 w4',
      'ValueSet?_filter=url sw "http://acme.org/fhir" and status eq draft': 'v2',
      'ValueSet?_filter=url ew "123"': 'v1',
      'Observation?_filter=category co "signs"': 'w1',
    }));

  test('near on Location (R4 location.html#positional), also across the 180th meridian', () =>
    expectAll({
      'Location?near=50.94|6.96|5|km': 'l2',
      'Location?near=50.94|6.96|30': 'l1 l2',
      'Location?near=50.94|6.96|30000|m': 'l1 l2',
      'Location?near=-17|-179.9|30|km': 'l3',
      'Location?near=-17|-179.9|10|km': '',
      'Location?near=90|0|9000|km': 'l1 l2',
    }));
});
