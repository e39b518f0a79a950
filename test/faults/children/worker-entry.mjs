// On Node 20 a loader given by the command line does not reach a worker's first file.
import { register } from 'tsx/esm/api';

register();
await import('./worker.ts');
