import type { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { deleteCommand } from './delete.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { keysCommand } from './keys.ts';
import { logoutCommand } from './logout.ts';
import { projectsCommand } from './projects.ts';

/** The commands below `collector`. Their own options come after their names. */
export function subcommands(): Command[] {
  return [
    projectsCommand(),
    keysCommand(),
    auditCommand(),
    logoutCommand(),
    backupCommand(),
    exportCommand(),
    importCommand(),
    deleteCommand(),
  ];
}
