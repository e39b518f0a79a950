import { Phospho } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';

describe.each(EXPRESS_VERSIONS)('GET /phospho/widget.js on %s', (_name, express) => {
  const appWith = (options = {}) => {
    const phospho = new Phospho({ exporter: new InMemoryExporter() });
    return express().use(phospho.router(options));
  };

  it('serves the code of the element to pages of any origin', async () => {
    const { headers, text } = await request(appWith()).get('/phospho/widget.js').expect(200);
    expect(headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['cache-control']).toBe('public, max-age=3600');
    expect(text).toContain('phospho-feedback');
  });

  it('answers 304 to who has it', async () => {
    const app = appWith();
    const { headers } = await request(app).get('/phospho/widget.js');
    for (const known of [headers.etag, `W/${headers.etag}`, `"other", ${headers.etag}`])
      await request(app).get('/phospho/widget.js').set('if-none-match', String(known)).expect(304);
    await request(app).get('/phospho/widget.js').set('if-none-match', '"other"').expect(200);
  });

  it('answers HEAD without the body, and leaves other methods and paths to the app', async () => {
    const app = appWith();
    const { text, headers } = await request(app).head('/phospho/widget.js').expect(200);
    expect(text ?? '').toBe('');
    expect(Number(headers['content-length'])).toBeGreaterThan(1000);
    await request(app).post('/phospho/widget.js').expect(404);
    await request(app).get('/phospho/widget.css').expect(404);
  });

  it('is beside the flag route, wherever that is', async () => {
    await request(appWith({ path: '/feedback' }))
      .get('/feedback/widget.js')
      .expect(200);
    await request(appWith({ path: '/feedback' }))
      .get('/phospho/widget.js')
      .expect(404);
  });
});
