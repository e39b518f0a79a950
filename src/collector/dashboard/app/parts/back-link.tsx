import { Icon } from './icon.tsx';

export function BackLink({ href, label }: { href: string; label: string }) {
  return (
    <a class="back-link" href={href}>
      <Icon name="left" size={14} />
      {label}
    </a>
  );
}
