import { findDefinitionsPackage } from '../../conformance/source.ts';
import { compileBuiltin } from './compile.ts';

// Run as a process of its own, so that the memory that compiling takes is not the server's for good.
compileBuiltin(process.argv[2] as string, findDefinitionsPackage());
