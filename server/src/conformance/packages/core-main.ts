import { findDefinitionsPackage } from '../source.ts';
import { buildCore } from './core-build.ts';

const [file, stamp] = process.argv.slice(2);
if (file !== undefined && stamp !== undefined) buildCore(file, stamp, findDefinitionsPackage());
