import { DEFAULTS } from './defaults.ts';
import { definePhosphoFeedback } from './element.ts';

// The route beside this script: right wherever the router is mounted, and on whichever origin.
DEFAULTS.endpoint = new URL('flag', import.meta.url).href;
definePhosphoFeedback();
