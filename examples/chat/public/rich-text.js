/**
 * A model's answer as elements: fenced code, `code`, **bold**, and bullets; the rest stays as it is. Every
 * character becomes a text node, so no answer can bring markup of its own.
 */
export function richText(text) {
  const blocks = document.createDocumentFragment();
  // Odd pieces are code. While an answer is streaming, its last fence may still be open.
  for (const [index, piece] of text.split(/^```/m).entries()) {
    if (index % 2 === 1) blocks.append(codeBlock(piece));
    else if (piece.trim() !== '') blocks.append(paragraph(piece));
  }
  return blocks;
}

function codeBlock(piece) {
  const code = document.createElement('pre');
  code.tabIndex = 0; // what scrolls must be reached by keyboard
  code.textContent = piece.replace(/^[^\n]*\n?/, '').replace(/\n$/, '');
  return code;
}

function paragraph(piece) {
  const element = document.createElement('p');
  element.dir = 'auto';
  const lines = piece.replace(/^\n+|\s+$/g, '').replace(/^[-*] /gm, '• ');
  let end = 0;
  for (const match of lines.matchAll(/`([^`\n]+)`|\*\*([^*\n]+)\*\*/g)) {
    const marked = document.createElement(match[1] === undefined ? 'strong' : 'code');
    marked.textContent = match[1] ?? match[2];
    element.append(lines.slice(end, match.index), marked);
    end = match.index + match[0].length;
  }
  element.append(lines.slice(end));
  return element;
}
