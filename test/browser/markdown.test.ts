import { build, type Plugin } from 'esbuild';
import fc from 'fast-check';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE } from '../fixtures/hostile-texts.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

const TAGS = [
  ...['a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h3', 'hr', 'i', 'li'],
  ...['ol', 'p', 'pre', 's', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
];

/** Every element of HTML, those of old too, and the doors to the other languages. */
const ALL_TAGS = (
  'a abbr acronym address applet area article aside audio b base basefont bdi bdo big blink blockquote ' +
  'button canvas center cite code data datalist dd del details dfn dialog dir div dl dt em embed ' +
  'fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 header hgroup hr i ' +
  'iframe img input ins kbd label legend li link main map mark marquee math menu meta meter nav nobr ' +
  'noembed noframes noscript object ol optgroup option output p param picture pre progress q rp rt ruby ' +
  's samp script search section select slot small source span strike strong style sub summary sup svg ' +
  'template textarea time title tt u ul var video wbr x-element mi mtext path animate foreignObject'
).split(' ');

const ATTRIBUTES = (
  'action align autofocus background class contenteditable dir download formaction height hidden ' +
  'href id lang name nonce onclick onerror part ping poster rel role slot src srcdoc srcset start ' +
  'style tabindex target title type usemap width xlink:href'
).split(' ');

/** In the place of one of the two halves: one that lets everything pass. */
const ABSENT = {
  sanitiser: {
    dompurify: `const policy = trustedTypes.createPolicy('dompurify', { createHTML: (html) => html });
      export default () => ({ addHook() {}, sanitize: (html) => policy.createHTML(html) });`,
  },
  renderer: { marked: 'export class Marked { parse(text) { return text; } }' },
};

function without(modules: { [name: string]: string }): Plugin {
  return {
    name: 'without',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(marked|dompurify)$/ }, ({ path }) =>
        path in modules ? { path, namespace: 'without' } : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'without' }, ({ path }) => ({
        contents: modules[path] ?? '',
      }));
    },
  };
}

async function bundle(modules: { [name: string]: string } = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/collector/dashboard/app/text/render-markdown.ts'],
    bundle: true,
    format: 'iife',
    globalName: 'text',
    target: 'es2022',
    write: false,
    plugins: [without(modules)],
  });
  return outputFiles[0]?.text ?? '';
}

const OWN_SCRIPT = "script-src 'self'";
const POLICY = {
  whole: `${OWN_SCRIPT}; require-trusted-types-for 'script'; trusted-types dompurify`,
  renderer: OWN_SCRIPT,
  sanitiser: OWN_SCRIPT,
};

let scripts: { whole: string; renderer: string; sanitiser: string };

beforeAll(async () => {
  const [whole, renderer, sanitiser] = await Promise.all([
    bundle(),
    bundle(ABSENT.sanitiser),
    bundle(ABSENT.renderer),
  ]);
  scripts = { whole, renderer, sanitiser };
});

interface Rendered {
  html: string;
  text: string;
  elements: { tag: string; attributes: { [name: string]: string } }[];
}

/** A page that loads images from anywhere: that none is loaded is up to what is tested. */
async function openRenderer(
  skip: (reason: string) => void,
  script: keyof typeof scripts,
): Promise<{
  page: Page;
  loaded: string[];
  render: (text: string) => Promise<Rendered>;
}> {
  const { page } = await openPage(browser(skip));
  const loaded: string[] = [];
  await page.route('**', (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/script.js') {
      return route.fulfill({ contentType: 'text/javascript', body: scripts[script] });
    }
    if (pathname !== '/page') {
      loaded.push(route.request().url());
      return route.abort();
    }
    return route.fulfill({
      contentType: 'text/html',
      headers: { 'content-security-policy': POLICY[script] },
      body: '<!doctype html><title>x</title><link rel="icon" href="data:,"><script src="/script.js"></script><main></main>',
    });
  });
  await page.goto('http://markdown.localhost/page');
  return {
    page,
    loaded,
    render: (text) =>
      page.evaluate((text) => {
        const { renderMarkdown } = (globalThis as never as { text: Module }).text;
        const html = renderMarkdown(text);
        if (html === undefined)
          return { html: 'more than can be rendered', text: '', elements: [] };
        // The parser of the page itself, without running or loading anything.
        const { body } = new DOMParser().parseFromString(html, 'text/html');
        return {
          html: String(html),
          text: body.textContent ?? '',
          elements: [...body.querySelectorAll('*')].map((element) => ({
            tag: element.localName,
            attributes: Object.fromEntries(
              [...element.attributes].map(({ name, value }) => [name, value]),
            ),
          })),
        };
      }, text),
  };
}

interface Module {
  renderMarkdown(text: string): string | undefined;
}

const isWeb = (address: string) => /^https?:\/\//i.test(address) && URL.canParse(address);

/** What is wrong with it, whoever has made it. */
function faultsOf({ elements }: Rendered, allowed: { [tag: string]: string[] }): string[] {
  return elements.flatMap(({ tag, attributes }) => [
    ...(TAGS.includes(tag) ? [] : [`<${tag}>`]),
    ...Object.keys(attributes)
      .filter((name) => !(allowed[tag] ?? []).includes(name))
      .map((name) => `${name} of <${tag}>`),
    ...(tag !== 'a' || attributes.href === undefined || isWeb(attributes.href)
      ? []
      : [attributes.href]),
  ]);
}

const IN_TABLES = { td: ['align'], th: ['align'] };
const BY_RENDERER = { ...IN_TABLES, a: ['href'], ol: ['start'], code: ['class'] };
const BY_BOTH = {
  ...{ ...IN_TABLES, table: ['tabindex'] },
  ...{ a: ['href', 'target', 'rel'], ol: ['start'] },
};
const BY_SANITISER = Object.fromEntries(
  TAGS.map((tag) => [
    tag,
    [
      ...['href', 'start', 'align'],
      ...(tag === 'a' ? ['target', 'rel'] : []),
      ...(tag === 'table' ? ['tabindex'] : []),
    ],
  ]),
);

/** The links of a text that are none may keep their element, but lead nowhere. */
function linkFaultsOf({ elements }: Rendered): string[] {
  return elements.flatMap(({ tag, attributes: { href, target, rel = '' } }) => {
    if (tag !== 'a' || href === undefined) return [];
    const words = rel.split(' ');
    const isSafe =
      target === '_blank' && words.includes('noopener') && words.includes('noreferrer');
    return isSafe ? [] : [`${href} target=${target} rel=${rel}`];
  });
}

const EVIL_ADDRESSES = [
  ...[
    'javascript:pwned(1)',
    'JaVaScRiPt:pwned(1)',
    'java&#10;script:pwned(1)',
    '//elsewhere.example',
  ],
  ...['data:text/html,x', 'vbscript:x', 'file:///etc/passwd', 'blob:https://a.example/x'],
  ...[
    'mailto:a@b.example',
    'ftp://a.example',
    '/dashboard/api/session',
    '#here',
    'http://',
    'https:x',
  ],
];

const WEB = 'https://a.example/b';

const fragment = fc.oneof(
  fc.constantFrom(...HOSTILE.filter(({ length }) => length < 300)),
  fc.constantFrom(
    '**',
    '_',
    '`',
    '```\n',
    '~~',
    '# ',
    '> ',
    '- ',
    '1. ',
    '| a | b |\n| :- | -: |\n',
  ),
  fc.constantFrom(
    '\n',
    '\n\n',
    ' ',
    '\\',
    '<!--',
    '-->',
    '<![CDATA[',
    '&lt;',
    '&#x3c;',
    '"',
    "'",
    '>',
  ),
  fc.constantFrom(...EVIL_ADDRESSES, WEB).map((address) => `[x](${address})`),
  fc.constantFrom(...EVIL_ADDRESSES, WEB).map((address) => `![x](${address} "title")`),
  fc.constantFrom(...EVIL_ADDRESSES, WEB).map((address) => `<${address}>`),
  fc.constantFrom(...EVIL_ADDRESSES, WEB).map((address) => `[x]\n\n[x]: <${address}> 'title'\n\n`),
  fc
    .tuple(
      fc.constantFrom(...ALL_TAGS),
      fc.constantFrom(...ATTRIBUTES),
      fc.constantFrom(...EVIL_ADDRESSES, WEB, 'x'),
    )
    .map(([tag, name, value]) => `<${tag} ${name}="${value}">x`),
  fc.constantFrom(...ALL_TAGS).map((tag) => `</${tag}>`),
  fc.string({ maxLength: 8 }),
);

const texts = fc.array(fragment, { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''));

describe('whatever an answer holds, its markdown becomes only allowed elements and attributes', () => {
  it.for([
    ['by renderer and sanitiser', 'whole', BY_BOTH],
    ['by the renderer alone', 'renderer', BY_RENDERER],
    ['by the sanitiser alone', 'sanitiser', BY_SANITISER],
  ] as const)('%s', { timeout: 60_000 }, async ([, script, allowed], { skip }) => {
    const { render } = await openRenderer(skip, script);
    const check = async (text: string) => {
      const rendered = await render(text);
      expect(faultsOf(rendered, allowed), rendered.html).toEqual([]);
      if (script !== 'renderer') expect(linkFaultsOf(rendered), rendered.html).toEqual([]);
    };
    for (const text of HOSTILE) await check(text);
    await fc.assert(fc.asyncProperty(texts, check), { numRuns: 200 });
  });
});

it('what of HTML the sanitiser lets pass is a short list', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'sanitiser');
  const passed = new Map<string, string[]>();
  for (const tag of ALL_TAGS) {
    const attributes = ATTRIBUTES.map((name) => `${name}="${name === 'href' ? WEB : 'x'}"`);
    const { elements } = await render(
      `<table><tbody><tr><td><${tag} ${attributes.join(' ')}>x</${tag}></td></tr></tbody></table>` +
        `<${tag} ${attributes.join(' ')}>x</${tag}>`,
    );
    for (const element of elements) passed.set(element.tag, Object.keys(element.attributes));
  }
  expect(TAGS).toEqual(expect.arrayContaining([...passed.keys()]));
  expect(passed.get('a')?.toSorted()).toEqual(['align', 'href', 'rel', 'start', 'target']);
  expect(passed.get('p')?.toSorted()).toEqual(['align', 'href', 'start']);
});

it('of HTML the sanitiser alone lets no data and aria attributes pass', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'sanitiser');
  const { elements } = await render('<p data-x="x" aria-hidden="true" role="x">x</p>');
  expect(elements).toEqual([{ tag: 'p', attributes: {} }]);
});

it('a link leads to the web, in another tab, and tells nobody where it was', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'whole');
  for (const text of [`[x](${WEB})`, `[x]\n\n[x]: ${WEB}`, `<${WEB}>`, WEB, `![x](${WEB})`]) {
    const { elements } = await render(text);
    expect(elements.filter(({ tag }) => tag === 'a').map(({ attributes }) => attributes)).toEqual([
      { href: WEB, target: '_blank', rel: 'noopener noreferrer' },
    ]);
  }
});

it('a link to anything but the web is shown as it was written', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'whole');
  for (const address of EVIL_ADDRESSES.filter((address) => !address.includes('&'))) {
    for (const text of [`[x](${address})`, `![x](${address})`]) {
      const rendered = await render(text);
      expect(rendered.elements.map(({ tag }) => tag)).toEqual(['p']);
      expect(rendered.text.trim()).toBe(text);
    }
  }
});

it('no half makes or keeps a link to anything but the web', async ({ skip }) => {
  const renderer = await openRenderer(skip, 'renderer');
  const sanitiser = await openRenderer(skip, 'sanitiser');
  for (const address of EVIL_ADDRESSES) {
    const ofRenderer = await renderer.render(`[x](${address}) ![x](${address}) <${address}>`);
    const ofSanitiser = await sanitiser.render(`<a href="${address}">x</a>`);
    for (const { elements } of [ofRenderer, ofSanitiser]) {
      expect(elements.map(({ attributes }) => attributes.href ?? null)).toEqual([null]);
    }
  }
});

it('HTML is text', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'whole');
  for (const tag of ALL_TAGS) {
    for (const text of [`<${tag} title="x">`, `a <${tag}>b</${tag}> c`]) {
      const rendered = await render(text);
      expect(rendered.text.trim().replace(/\s+/g, ' ')).toBe(text.replace(/\s+/g, ' '));
      const made = new Set(rendered.elements.map((element) => element.tag));
      expect(['p', 'p,br', 'pre,code']).toContain([...made].join());
    }
  }
});

it('HTML is text also behind a <code>, <pre>, <kbd> or <script> in a line', async ({ skip }) => {
  const whole = await openRenderer(skip, 'whole');
  const renderer = await openRenderer(skip, 'renderer');
  const kept: boolean[] = [];
  const made = new Set<string>();
  for (const tag of ['code', 'pre', 'kbd', 'script']) {
    const text = `a <${tag}> <img/src=x onerror=pwned(1)> <b/x>b`;
    kept.push((await whole.render(text)).text.trim() === text);
    for (const element of (await renderer.render(text)).elements) made.add(element.tag);
  }
  expect({ kept, made: [...made] }).toEqual({ kept: [true, true, true, true], made: ['p'] });
});

it('no image is loaded, by none of the two halves', async ({ skip }) => {
  const pixel = 'https://elsewhere.example/pixel.png';
  const text = `![x](${pixel}) <img src="${pixel}"> ![y][z]\n\n[z]: ${pixel}\n\n<img srcset="${pixel} 1x">`;
  for (const script of ['whole', 'renderer', 'sanitiser'] as const) {
    const { page, loaded } = await openRenderer(skip, script);
    await page.evaluate(async (text) => {
      const { renderMarkdown } = (globalThis as never as { text: Module }).text;
      const main = document.querySelector('main') as HTMLElement;
      main.innerHTML = renderMarkdown(text) as string;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    }, text);
    expect(await page.locator('main img').count()).toBe(0);
    expect(loaded).toEqual([]);
  }
});

it('what people write in markdown is there', async ({ skip }) => {
  const { render } = await openRenderer(skip, 'whole');
  const { html } = await render(
    '# Head\n\n**b** _i_ ~~d~~ `c`\nline\n\n3. x\n\n| l | r |\n| :- | -: |\n| 1 | 2 |\n\n- [x] done',
  );
  for (const part of [
    '<h3>Head</h3>',
    '<p><strong>b</strong> <em>i</em> <del>d</del> <code>c</code><br>line</p>',
    '<ol start="3">',
    '<table tabindex="0">',
    '<th align="left">l</th>',
    '<td align="right">2</td>',
    '☑ done',
  ]) {
    expect(html).toContain(part);
  }
});
