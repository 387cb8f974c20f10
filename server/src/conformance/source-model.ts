/** The parts of the R4 conformance resources that the compiler reads. */
export interface SourceElementType {
  readonly code: string;
  readonly targetProfile?: readonly string[];
  readonly extension?: readonly { readonly url: string; readonly valueUrl?: string }[];
}

export interface SourceElement {
  readonly path: string;
  readonly min: number;
  readonly max: string;
  readonly base?: { readonly path: string; readonly max: string };
  readonly type?: readonly SourceElementType[];
  readonly contentReference?: string;
  readonly binding?: { readonly strength: string; readonly valueSet?: string };
  readonly isModifier?: boolean;
  readonly isSummary?: boolean;
  readonly sliceName?: string;
}

export interface SourceStructure {
  readonly resourceType: 'StructureDefinition';
  readonly name: string;
  readonly type: string;
  readonly kind: 'resource' | 'complex-type' | 'primitive-type' | 'logical';
  readonly abstract: boolean;
  readonly derivation?: string;
  readonly baseDefinition?: string;
  readonly snapshot: { readonly element: readonly SourceElement[] };
}

export interface SourceSearchParameter {
  readonly resourceType: 'SearchParameter';
  readonly url: string;
  readonly code: string;
  readonly type: string;
  readonly base: readonly string[];
  readonly expression?: string;
  readonly description?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

export interface SourceCompartment {
  readonly resourceType: 'CompartmentDefinition';
  readonly url: string;
  readonly code: string;
  readonly resource: readonly { readonly code: string; readonly param?: readonly string[] }[];
}

export interface SourceConcept {
  readonly code: string;
  readonly display?: string;
  readonly concept?: readonly SourceConcept[];
  readonly property?: readonly ({ readonly code: string } & { readonly [value: string]: unknown })[];
}

export interface SourceCodeSystem {
  readonly resourceType: 'CodeSystem';
  readonly url: string;
  readonly version?: string;
  readonly content: string;
  readonly caseSensitive?: boolean;
  readonly concept?: readonly SourceConcept[];
}

export interface SourceInclude {
  readonly system?: string;
  readonly concept?: readonly { readonly code: string; readonly display?: string }[];
  readonly filter?: readonly { readonly property: string; readonly op: string; readonly value: string }[];
  readonly valueSet?: readonly string[];
}

export interface SourceValueSet {
  readonly resourceType: 'ValueSet';
  readonly url: string;
  readonly version?: string;
  readonly compose?: {
    readonly include: readonly SourceInclude[];
    readonly exclude?: readonly SourceInclude[];
  };
}
