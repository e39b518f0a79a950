#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { PhosphoConfigError } from '../errors.ts';
import { VERSION } from '../internal/version.ts';
import { collectorCommand } from './collector.ts';
import { explain } from './explain.ts';
import { withoutSqliteWarning } from './quiet-sqlite.ts';
import { replayCommand } from './replay.ts';

/** Exit codes: 1 where something failed, 2 where the command was not understood or an option is out of range. */
async function main(): Promise<void> {
  const program = new Command('phospho-express')
    .description('See what users ask your LLM and how they liked the answer.')
    .version(VERSION)
    // Else `collector` would take the options of the commands below it.
    .enablePositionalOptions()
    .addCommand(collectorCommand())
    .addCommand(replayCommand());
  throwsFromAll(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what is wrong; help and version come here too, with code 0.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    console.error(`phospho-express: ${explain(error)}`);
    process.exitCode = error instanceof PhosphoConfigError ? 2 : 1;
  }
}

/** Commands that are added as they are inherit nothing. */
function throwsFromAll(command: Command): void {
  command.exitOverride().showHelpAfterError('(--help lists what there is)');
  for (const one of command.commands) throwsFromAll(one);
}

withoutSqliteWarning();
// Not awaited: CommonJS has no await at the top. It never rejects.
void main();
