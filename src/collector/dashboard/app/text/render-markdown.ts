import DOMPurify from 'dompurify';
import { Marked, type Tokens } from 'marked';
import { withoutHidden } from './hidden.ts';
import { isTooCostly } from './markdown-cost.ts';

const ALLOWED_TAGS = [
  ...['a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h3', 'hr', 'i', 'li'],
  ...['ol', 'p', 'pre', 's', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
];
const ALLOWED = {
  ALLOWED_TAGS,
  ALLOWED_ATTR: ['href', 'start', 'align'],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_TRUSTED_TYPE: true as const,
};

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html: ({ text, block }: Tokens.HTML | Tokens.Tag) =>
      block ? `<p>${escapeHtml(text)}</p>` : escapeHtml(text),
    // Behind <code> and its like in a line, the parser takes text for HTML that is right already.
    text: (token) => 'escaped' in token && token.escaped === true && escapeHtml(token.text),
    image: ({ href, text, raw }) =>
      isWebLink(href) ? linkTo(href, escapeHtml(text || href)) : escapeHtml(raw),
    link({ href, tokens, raw }) {
      return isWebLink(href) ? linkTo(href, this.parser.parseInline(tokens)) : escapeHtml(raw);
    },
    // The outline is the page's own: what is captured may be a heading in it, of one level.
    heading({ tokens }) {
      return `<h3>${this.parser.parseInline(tokens)}</h3>`;
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
});

const purify = DOMPurify(window);
// The renderer makes no other links and attributes; this holds if the parser can be tricked into one.
purify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName === 'A') {
    const href = node.getAttribute('href');
    if (href === null || !isWebLink(href)) {
      node.removeAttribute('href');
      return;
    }
    node.setAttribute('target', '_blank');
    node.setAttribute('rel', 'noopener noreferrer');
  }
  // Wide tables scroll by themselves, and must be reached by keyboard for that.
  if (node.tagName === 'TABLE') node.setAttribute('tabindex', '0');
});

/** Sanitised HTML, or undefined where the text is more than the parser can take. */
export function renderMarkdown(text: string) {
  if (isTooCostly(text)) return undefined;
  try {
    const html = marked.parse(withoutHidden(text), { async: false });
    return purify.sanitize(html, ALLOWED);
  } catch {
    return undefined;
  }
}

function linkTo(href: string, content: string): string {
  return `<a href="${escapeHtml(href)}">${content}</a>`;
}

function isWebLink(href: string): boolean {
  return /^https?:\/\//i.test(href) && URL.canParse(href);
}

function escapeHtml(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}
