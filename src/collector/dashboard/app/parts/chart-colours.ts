const probe = document.createElement('span');

/** A token as a canvas takes it: `light-dark()` and the like are resolved only where a property uses them. */
export function colourOf(token: string): string {
  if (!probe.isConnected) {
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${token})`;
  return getComputedStyle(probe).color;
}
