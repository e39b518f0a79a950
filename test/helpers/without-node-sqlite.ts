const { getBuiltinModule } = process;

/** A Node without SQLite, as Node 20 is: the collector takes libsql. */
process.getBuiltinModule = ((id: string) =>
  id === 'node:sqlite' ? undefined : getBuiltinModule(id)) as typeof getBuiltinModule;
