// Writes the compiled definitions that are not there yet, so that the first request that needs them does not wait for
// seconds: run once beside a starting server, and when a container image is built.
import { loadDefinitions } from '../conformance/definitions.ts';
import { corePackage } from '../conformance/packages/index.ts';
import { loadTerminology } from '../conformance/terminology.ts';
import { loadBuiltin } from '../terminology/builtin/definitions.ts';

loadDefinitions();
corePackage();
loadTerminology().expandCodes('http://hl7.org/fhir/ValueSet/administrative-gender');
await loadBuiltin();
