import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED) });
