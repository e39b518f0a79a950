import type { Command } from 'commander';
import { deleteCommand } from './delete.ts';

/** The commands below `collector`. Their own options come after their names. */
export function subcommands(): Command[] {
  return [deleteCommand()];
}
