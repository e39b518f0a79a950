/** A thumb up in a box of 24: a cuff and a hand. */
export const THUMB =
  'M2.5 11.5a1 1 0 0 1 1-1h2a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-2a1 1 0 0 1-1-1zM9.3 10.5l3-7.5c1.5 0 2.9 1.2 2.9 2.8v3.4h4.2a2 2 0 0 1 2 2.3l-1 7a2.4 2.4 0 0 1-2.3 2h-6.8a2 2 0 0 1-2-2z';
export const CROSS = 'M6 6l12 12M18 6l-12 12';

/**
 * An element that is styled by its class inside and by its part outside. Here and below there are only
 * calls that Trusted Types and any content security policy let pass.
 */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  part: string,
  properties?: Partial<HTMLElementTagNameMap[Tag]>,
): HTMLElementTagNameMap[Tag] {
  return Object.assign(document.createElement(tag), { className: part, part }, properties);
}

export function button(part: string, onclick: () => void, icon?: string): HTMLButtonElement {
  const element = make('button', part, { type: 'button', onclick });
  if (icon) element.append(svg('svg', 'viewBox', '0 0 24 24', svg('path', 'd', icon)));
  return element;
}

function svg(tag: string, attribute: string, value: string, ...children: Element[]): Element {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}
