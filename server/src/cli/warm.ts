// Run once beside a starting server: writes the compiled definitions that validation and terminology read, so that the
// first request that needs them does not wait for seconds.
import { corePackage } from '../conformance/packages/index.ts';
import { loadTerminology } from '../conformance/terminology.ts';

corePackage();
loadTerminology().expandCodes('http://hl7.org/fhir/ValueSet/administrative-gender');
