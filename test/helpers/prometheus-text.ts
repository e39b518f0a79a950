export interface Family {
  type: string;
  help: string;
  samples: Map<string, number>;
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (-?\\d+(?:\\.\\d+)?(?:e-?\\d+)?)$`,
);
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`);
const SUFFIXES = { counter: [''], gauge: [''], histogram: ['_bucket', '_sum', '_count'] };

/**
 * Prometheus' text format 0.0.4, by name of family; a sample is keyed as it is written. Throws for what its
 * rules forbid, and for what they merely allow: samples without HELP and TYPE, time stamps, blank lines.
 */
export function parsePrometheusText(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: [name: string, family: Family] | undefined;
  const fail = (line: string, why: string): never => {
    throw new Error(`${why}: ${line}`);
  };
  if (!text.endsWith('\n')) fail(text.slice(-40), 'the last line does not end');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, meta, family = '', rest = ''] = META.exec(line) ?? [];
    if (meta === 'HELP') {
      if (families.has(family)) fail(line, 'a family comes twice');
      current = [family, { type: '', help: rest, samples: new Map() }];
      families.set(...current);
      continue;
    }
    if (current === undefined) throw new Error(`a sample before its HELP: ${line}`);
    const [name, { samples }] = current;
    if (meta === 'TYPE') {
      if (family !== name || samples.size > 0 || current[1].type !== '')
        fail(line, 'TYPE is misplaced');
      if (!(rest in SUFFIXES)) fail(line, 'no such type');
      current[1].type = rest;
      continue;
    }
    const [, sample = '', labels, value] = SAMPLE.exec(line) ?? fail(line, 'no sample');
    const suffixes = SUFFIXES[current[1].type as keyof typeof SUFFIXES];
    if (!suffixes.some((suffix) => sample === name + suffix)) fail(line, 'of another family');
    const key = labels === undefined ? sample : `${sample}{${labels}}`;
    if (samples.has(key)) fail(line, 'a sample comes twice');
    samples.set(key, Number(value));
  }
  return families;
}
