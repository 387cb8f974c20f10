import { expect, test } from 'vitest';
import { readText } from './reading/intake.ts';
import { assess } from './rules/esi.ts';

/*
 * Whole cases as people write them, and the level that the ESI Implementation Handbook v4 (AHRQ 12-0014) comes to by its
 * decision points: 1 and 2 by chapters 3 and 4, 3 to 5 by the resources of chapter 5 and the vital signs of chapter 6.
 */
test.each<[level: number, text: string]>([
  [1, '62, crushing chest pain, sweating, BP 90/60'],
  [1, '45M RTA, GCS 10, BP 85/50, HR 135'],
  [1, 'asthma, cannot speak in sentences, RR 36, sats 88%'],
  [1, 'bee sting, lips swelling, wheezing'],
  [1, 'pt found down, pinpoint pupils, RR 6'],
  [1, 'vaginal bleeding, soaked 5 pads, BP 88/50'],
  [1, 'sore throat, unable to swallow, drooling, stridor'],
  [1, 'hombre de 70 años, no respira'],
  [1, 'behosh, saans band'],
  [2, '58 year old man with chest tightness radiating to left arm for 1 hour, diaphoretic'],
  [2, '24F took 30 paracetamol tablets 2 hours ago'],
  [2, '3 y/o boy swallowed button battery'],
  [2, 'baby 20 days old with fever'],
  [2, '19F sudden severe lower abdominal pain, LMP 7 weeks ago, pregnant, dizzy'],
  [2, 'child 2 years, febrile seizure, now alert, T 39.5'],
  [2, 'diabetic, vomiting, sugar 28 mmol/L, RR 30'],
  [2, '65 M weakness in right arm and trouble speaking since 30 min'],
  [2, 'سانپ نے کاٹ لیا'],
  [2, 'bachay ko bukhar 104 hai aur jhatke lage'],
  [2, 'embarazada de 30 semanas con dolor de cabeza y TA 170/110'],
  [2, 'shot in the leg'],
  [2, 'blood pressure 220/130 with headache'],
  [2, 'HR 35, dizzy'],
  [2, 'fever with chemo last week T 38.3'],
  [2, 'wound infection with fever 39, HR 125, BP 92/60, RR 24, confused'],
  [3, '72 F fell at home, hip pain, cannot walk, BP 130/80 HR 90'],
  [3, '40F migraine, pain 6/10, no fever, no neck stiffness'],
  [3, 'he is coughing up blood'],
  [3, '22M abdominal pain, vomiting, BP 125/80 HR 88 RR 16 SpO2 99 T 37.8'],
  [3, 'he has not eaten for 2 days and is very weak, dehydrated'],
  [4, '30M cut on finger while cooking, bleeding controlled'],
  [4, 'niño de 4 años, se cayó de la bicicleta, dolor en el brazo'],
  [4, 'painful urination x 3 days, afebrile'],
  [4, 'back pain, no bowel or bladder problems'],
  [4, 'twisted ankle playing football, pain 7/10'],
  [5, 'Patient denies SI/HI. Here for prescription refill'],
  [5, 'no complaints, needs stitches removed'],
  [5, '25M toothache, HR 80, no known allergies'],
  [5, 'red eye since yesterday, no eye pain, vision normal'],
  [5, 'mosquito bites, itchy, no shortness of breath'],
])('ESI %d: %s', (level, text) => {
  expect(assess(readText(text)).level).toBe(level);
});
