/** A group of medicines that allergies are recorded against as a whole, or that share what people react to. */
export interface DrugClass {
  readonly title: string;
  /** What an allergy to the whole class is called: folded words, singular. */
  readonly names: readonly string[];
  /** Codes of the class, or of an allergy to it, as `system|code`. */
  readonly codings: readonly string[];
  /** Ingredients, as medicines are named by them: folded words. */
  readonly members: readonly string[];
  /** Whether who reacts to one of them may be expected to react to others. */
  readonly crossReactive: boolean;
  /** Group of the Anatomical Therapeutic Chemical classification whose members these are. */
  readonly atc: string;
}

/** What the tables rest on besides the classification. */
export const PRACTICE_PARAMETER = {
  label: 'Drug allergy: a 2022 practice parameter update (J Allergy Clin Immunol 2022;150:1333-93)',
  url: 'https://doi.org/10.1016/j.jaci.2022.08.028',
};

/** Where a class is in the classification of the WHO Collaborating Centre for Drug Statistics Methodology. */
export const atcUrl = ({ atc }: DrugClass): string => `https://atcddd.fhi.no/atc_ddd_index/?code=${atc}`;

const SNOMED = 'http://snomed.info/sct';
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm';

const words = (text: string): string[] => text.trim().split(/\s*,\s*/);

/**
 * Classes that allergies are recorded against. Members: the groups of the ATC classification, with US and international
 * names, and preparations that go by a name of their own. Cross-reactivity: the practice parameter; of ACE inhibitors, that
 * angioedema is an effect of the class; of NSAIDs, that it comes from the inhibition of cyclooxygenase 1.
 */
export const DRUG_CLASSES: readonly DrugClass[] = [
  {
    title: 'Penicillins',
    names: words('penicillin, beta lactam, betalactam'),
    codings: [`${SNOMED}|91936005`, `${SNOMED}|373270004`, `${SNOMED}|764146007`, `${RXNORM}|70618`],
    members: words(
      `amoxicillin, amoxycillin, ampicillin, bacampicillin, benzylpenicillin, carbenicillin, cloxacillin, co amoxiclav, coamoxiclav,
      dicloxacillin, flucloxacillin, methicillin, mezlocillin, nafcillin, oxacillin, penicillin g, penicillin v,
      phenoxymethylpenicillin, piperacillin, pivmecillinam, sultamicillin, temocillin, ticarcillin, penicillin, augmentin`,
    ),
    crossReactive: true,
    atc: 'J01C',
  },
  {
    title: 'Cephalosporins',
    names: words('cephalosporin, cefalosporin, beta lactam, betalactam'),
    codings: [],
    members: words(
      `cefaclor, cefadroxil, cefalexin, cefazolin, cefdinir, cefditoren, cefepime, cefiderocol, cefixime, cefoperazone, cefotaxime,
      cefotetan, cefoxitin, cefpodoxime, cefprozil, cefradine, ceftaroline, ceftazidime, ceftibuten, ceftolozane, ceftriaxone,
      cefuroxime, cephalexin, cephradine`,
    ),
    crossReactive: true,
    atc: 'J01D',
  },
  {
    title: 'Carbapenems',
    names: words('carbapenem, beta lactam, betalactam'),
    codings: [],
    members: words('doripenem, ertapenem, imipenem, meropenem'),
    crossReactive: true,
    atc: 'J01DH',
  },
  {
    title: 'Sulfonamide antibacterials',
    names: words('sulfonamide, sulphonamide, sulfa, sulpha, sulfur antibacterial'),
    codings: [`${SNOMED}|387406002`, `${SNOMED}|91939003`, `${SNOMED}|763875007`],
    members: words(
      `bactrim, co trimoxazole, cotrimoxazole, septra, sulfacetamide, sulfadiazine, sulfadoxine, sulfamethizole, sulfamethoxazole,
      sulfasalazine, sulfisoxazole`,
    ),
    crossReactive: true,
    atc: 'J01E',
  },
  {
    title: 'Macrolides',
    names: words('macrolide'),
    codings: [],
    members: words('azithromycin, clarithromycin, erythromycin, roxithromycin, spiramycin, telithromycin'),
    crossReactive: true,
    atc: 'J01FA',
  },
  {
    title: 'Fluoroquinolones',
    names: words('fluoroquinolone, quinolone'),
    codings: [],
    members: words(
      'ciprofloxacin, delafloxacin, gemifloxacin, levofloxacin, moxifloxacin, norfloxacin, ofloxacin',
    ),
    crossReactive: true,
    atc: 'J01MA',
  },
  {
    title: 'Tetracyclines',
    names: words('tetracycline'),
    codings: [],
    members: words(
      'demeclocycline, doxycycline, eravacycline, minocycline, omadacycline, oxytetracycline, sarecycline, tetracycline, tigecycline',
    ),
    crossReactive: true,
    atc: 'J01AA',
  },
  {
    title: 'Aminoglycosides',
    names: words('aminoglycoside'),
    codings: [],
    members: words('amikacin, gentamicin, kanamycin, neomycin, plazomicin, streptomycin, tobramycin'),
    crossReactive: true,
    atc: 'J01G',
  },
  {
    title: 'Non-steroidal anti-inflammatory drugs',
    names: words(
      'nsaid, non steroidal anti inflammatory, nonsteroidal anti inflammatory, non steroidal antiinflammatory, nonsteroidal antiinflammatory, salicylate',
    ),
    codings: [],
    members: words(
      `acetylsalicylic acid, aspirin, celecoxib, diclofenac, diflunisal, etodolac, fenoprofen, flurbiprofen, ibuprofen, indometacin,
      indomethacin, ketoprofen, ketorolac, mefenamic acid, meloxicam, nabumetone, naproxen, oxaprozin, piroxicam, salsalate,
      sulindac, tolmetin`,
    ),
    crossReactive: true,
    atc: 'M01A',
  },
  {
    title: 'ACE inhibitors',
    names: words('ace inhibitor, angiotensin converting enzyme inhibitor'),
    codings: [],
    members: words(
      'benazepril, captopril, cilazapril, enalapril, enalaprilat, fosinopril, lisinopril, moexipril, perindopril, quinapril, ramipril, trandolapril',
    ),
    crossReactive: true,
    atc: 'C09A',
  },
  {
    title: 'Local anesthetics of the amide type',
    names: words('local anesthetic, local anaesthetic, amide anesthetic, caine anesthetic'),
    codings: [],
    members: words(
      'articaine, bupivacaine, levobupivacaine, lidocaine, lignocaine, mepivacaine, prilocaine, ropivacaine',
    ),
    crossReactive: true,
    atc: 'N01BB',
  },
  {
    title: 'Opioids',
    names: words('opioid, opiate, narcotic, narcotic analgesic'),
    codings: [],
    members: words(
      `buprenorphine, butorphanol, codeine, fentanyl, hydrocodone, hydromorphone, levorphanol, meperidine, methadone, morphine,
      nalbuphine, oxycodone, oxymorphone, pentazocine, pethidine, sufentanil, tapentadol, tramadol`,
    ),
    crossReactive: false,
    atc: 'N02A',
  },
  {
    title: 'HMG-CoA reductase inhibitors (statins)',
    names: words('statin, hmg coa reductase inhibitor'),
    codings: [],
    members: words(
      'atorvastatin, fluvastatin, lovastatin, pitavastatin, pravastatin, rosuvastatin, simvastatin',
    ),
    crossReactive: false,
    atc: 'C10AA',
  },
  {
    title: 'Benzodiazepines',
    names: words('benzodiazepine'),
    codings: [],
    members: words(
      `alprazolam, chlordiazepoxide, clobazam, clonazepam, clorazepate, diazepam, estazolam, flurazepam, lorazepam, midazolam,
      oxazepam, temazepam, triazolam`,
    ),
    crossReactive: false,
    atc: 'N05BA',
  },
  {
    title: 'Iodinated contrast media',
    names: words(
      'iodinated contrast, iodinated contrast media, iodinated contrast medium, contrast media, contrast medium, radiographic contrast, iodine contrast',
    ),
    codings: [],
    members: words('diatrizoate, iodixanol, iohexol, iopamidol, iopromide, ioversol, ioxilan'),
    crossReactive: true,
    atc: 'V08A',
  },
];

/** Beta-lactams of different classes with the same R1 side chain, which is what most people react to (practice parameter). */
export const SIDE_CHAINS: readonly (readonly string[])[] = [
  words('amoxicillin, cefadroxil, cefprozil'),
  words('ampicillin, cefaclor, cephalexin, cefalexin'),
  words('ceftazidime, aztreonam'),
];
