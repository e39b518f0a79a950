/**
 * One rule a line and nothing to spare: it travels as it is written. It reaches the shadow tree as a
 * constructed sheet, which no `style-src` can refuse. Sizes that a finger must hit are in px, so that a
 * page's root font size cannot shrink them; --b is the side of a button, of which the icon is a part.
 */
export const STYLES = `
:host{--b:max(32px,var(--phospho-size,18px) + 14px);--r:var(--phospho-radius,8px);display:inline-block;position:relative;vertical-align:middle}
:host([hidden]),:host(:not([task-id]:not([task-id=""]),[token]:not([token=""]))),[hidden]{display:none!important}
.group{display:flex;gap:2px;inline-size:calc(2*var(--b) + 2px);block-size:var(--b)}
button{all:unset;box-sizing:border-box;display:grid;place-items:center;min-inline-size:var(--b);block-size:var(--b);border-radius:var(--r);font-weight:500;cursor:pointer}
*{box-sizing:border-box}
button:hover{box-shadow:inset 0 0 0 9em color-mix(in srgb,currentColor 10%,#0000)}
button:active svg{scale:.85}
:focus-visible{outline:2px solid;outline-offset:1px}
svg{inline-size:var(--phospho-size,18px);fill:none;stroke:currentColor;stroke-width:1.75;stroke-linejoin:round}
.button{color:var(--phospho-color,color-mix(in srgb,currentColor 75%,#0000))}
.down svg{rotate:180deg}
[aria-pressed=true]{color:var(--phospho-up,light-dark(#15803d,#4ade80))}
[aria-pressed=true].down{color:var(--phospho-down,light-dark(#b91c1c,#f87171))}
[aria-pressed=true] svg{fill:currentColor}
.panel{position:absolute;z-index:9;margin:6px 0 0;inline-size:23em;max-inline-size:90vw;padding:8px;display:flex;flex-wrap:wrap;align-items:center;gap:6px;border:1px solid var(--phospho-border,color-mix(in srgb,CanvasText 16%,Canvas));border-radius:calc(var(--r) + 4px);background:var(--phospho-background,light-dark(Canvas,color-mix(in srgb,CanvasText 8%,Canvas)));color:CanvasText;box-shadow:0 8px 24px #0002;font-size:.875em}
textarea:not([hidden])~.close{order:-1}
label,.status{flex:1;text-align:start}
label{order:-2;font-weight:500}
textarea,.retry{padding:8px;border:1px solid color-mix(in srgb,CanvasText 50%,Canvas);border-radius:var(--r);background:Canvas;color:CanvasText;font:inherit}
textarea{inline-size:100%;resize:vertical}
.retry,.send{padding:0 12px}
.send{background:CanvasText;color:Canvas;outline-color:CanvasText}
.live{position:absolute;inset:0;overflow:hidden;clip-path:inset(50%)}
@media(pointer:coarse){:host{--b:max(44px,var(--phospho-size,18px) + 14px)}textarea{font-size:max(16px,1em)}}
@media(prefers-reduced-motion:no-preference){svg{transition:scale .15s}.panel{animation:open .15s}[data-state=sending] [aria-pressed=true] svg{animation:beat .8s .4s infinite alternate}}
@keyframes open{0%{opacity:0;translate:0 -4px}}
@keyframes beat{to{opacity:.4}}
`;
