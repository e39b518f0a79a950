const PATHS = {
  up: 'M7 10v11H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h3Zm0 0 4-7.2a2.4 2.4 0 0 1 3.3 2.6L13.6 9H19a2 2 0 0 1 2 2.4l-1.5 8a2 2 0 0 1-2 1.6H7',
  down: 'M17 14V3h3a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-3Zm0 0-4 7.2a2.4 2.4 0 0 1-3.3-2.6l.7-3.6H5a2 2 0 0 1-2-2.4l1.5-8a2 2 0 0 1 2-1.6H17',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 5 5',
  close: 'm6 6 12 12M18 6 6 18',
  copy: 'M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM5 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v1',
  check: 'm4 12 5 5L20 6',
  chevron: 'm9 5 7 7-7 7',
  left: 'm15 5-7 7 7 7',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2v2m0 16v2M2 12h2m16 0h2M4.9 4.9l1.4 1.4m11.4 11.4 1.4 1.4m0-14.2-1.4 1.4M6.3 17.7l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z',
  auto: 'M4 5h16a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Zm4 16h8m-4-4v4',
  logout: 'M9 21H5a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h4m7 13 4-4-4-4m4 4H9',
  alert: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-13v5m0 3.2v.1',
  filter: 'M3 5h18M6.5 12h11M10 19h4',
  note: 'M20 15a2 2 0 0 1-2 2H8l-4 4V5a2 2 0 0 1 2-2h12a2 2 0 0 1 2 2v10Z',
  tool: 'm14.5 6.5 3-3a5 5 0 0 1-6.4 6.6L5.6 20a2.1 2.1 0 0 1-3-3l9.4-6.5A5 5 0 0 1 17.5 3.5',
  arrow: 'M5 12h14m-6-6 6 6-6 6',
  keyboard:
    'M3 6h18a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H3a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1Zm3 4v.1m4-.1v.1m4-.1v.1m4-.1v.1M7 14h10',
  key: 'M14.5 14a5.5 5.5 0 1 0-5.2-3.8L3 16.5V21h4.500v-3h3v-3l1.300-1.300a5.500 5.500 0 0 0 2.700.3ZM16 8v.1',
} as const;

export type IconName = keyof typeof PATHS;

/** Always beside words or inside something that has a name. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      class={`icon icon-${name}`}
      width={size}
      height={size}
      viewBox="0 0 24 24"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of the page's icon, in the colours of the theme. */
export function Logo() {
  return (
    <svg class="logo" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M9 10.5A2.5 2.5 0 0 1 11.5 8h9a2.5 2.5 0 0 1 2.5 2.5v6a2.5 2.5 0 0 1-2.5 2.5H16l-4.2 4.1c-.5.5-1.3.1-1.3-.6V19A2.5 2.5 0 0 1 9 16.5z" />
      <circle cx="16" cy="13.5" r="2.5" />
    </svg>
  );
}
