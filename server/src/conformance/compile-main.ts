import { type CacheName, compileCache } from './compile.ts';
import { findDefinitionsPackage } from './source.ts';

// Run as a process of its own: `node compile-main.ts definitions|terminology DIRECTORY`. See cache.ts.
const [name, directory] = process.argv.slice(2);
compileCache(name as CacheName, directory as string, findDefinitionsPackage());
