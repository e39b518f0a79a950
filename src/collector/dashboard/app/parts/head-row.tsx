import type { ComponentChildren } from 'preact';

export type Column = readonly [label: ComponentChildren, cssClass?: string];

/** A table's head: the label of each column, and the class that it shares with its cells. */
export function HeadRow({ columns }: { columns: readonly Column[] }) {
  return (
    <thead>
      <tr>
        {columns.map(([label, cssClass], index) => (
          <th key={index} scope="col" class={cssClass}>
            {label}
          </th>
        ))}
      </tr>
    </thead>
  );
}
