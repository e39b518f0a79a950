// A TypeScript app in CommonJS: compiled, not run.
import type { Express } from 'express';
import { Phospho } from 'phospho-express';
import { createCollector } from 'phospho-express/collector';

declare const app: Express;
app.use(new Phospho().middleware());
console.log(createCollector);
