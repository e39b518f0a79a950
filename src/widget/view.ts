/** A thumb up in a box of 24: a cuff and a hand. */
export const THUMB = 'M3 11h3v9H3zM9 11l3-8q3 0 3 3v3h4q2 0 2 2l-1 7q0 2-2 2H9z';
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
