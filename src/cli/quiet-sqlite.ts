/**
 * Node warns at each start that its SQLite is experimental (22.13 to 25). Who runs a command has not chosen it, and
 * a script that reads what we say would take it for ours. In an app that mounts the collector the warning stays.
 */
export function withoutSqliteWarning(): void {
  const { emitWarning } = process;
  process.emitWarning = ((...args: Parameters<typeof emitWarning>) => {
    if (String(args[0]).startsWith('SQLite is an experimental feature')) return;
    Reflect.apply(emitWarning, process, args);
  }) as typeof emitWarning;
}
