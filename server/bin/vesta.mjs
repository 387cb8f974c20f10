#!/usr/bin/env node
import { runWithNode24 } from '../../scripts/with-node24.mjs';

runWithNode24('server/src/cli/main.ts', process.argv.slice(2));
