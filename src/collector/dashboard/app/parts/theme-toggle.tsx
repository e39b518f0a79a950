import { setTheme, type Theme, useTheme } from '../data/theme.ts';
import { Icon, type IconName } from './icon.tsx';

const NEXT: Record<Theme, Theme> = { auto: 'light', light: 'dark', dark: 'auto' };
const ICONS: Record<Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' };
const LABELS: Record<Theme, string> = { auto: 'the system’s', light: 'light', dark: 'dark' };

export function ThemeToggle() {
  const { theme } = useTheme();
  const label = `Colours: ${LABELS[theme]}. Change to ${LABELS[NEXT[theme]]}`;
  return (
    <button
      type="button"
      class="icon-button"
      title={label}
      aria-label={label}
      onClick={() => setTheme(NEXT[theme])}
    >
      <Icon name={ICONS[theme]} />
    </button>
  );
}
