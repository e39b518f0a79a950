/** One line for the person at the terminal: what failed and, where we know, what to do. Never a stack. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return oneLine(String(error));
  const { code, address, port } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} of ${address} is in use by another process. Choose another with --port, or 0 for any free one`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this machine has no address ${address ?? 'of that name'}. Choose another with --host`;
    case 'EACCES':
      if (port === undefined) return oneLine(error.message);
      return `no permission to listen on port ${port}. Choose one above 1023 with --port`;
    case 'MODULE_NOT_FOUND':
    case 'ERR_MODULE_NOT_FOUND':
      return oneLine(howToInstall(error.message));
    default:
      return oneLine(error.message);
  }
}

/** A peer dependency that the package manager has not installed. */
function howToInstall(message: string): string {
  const name = /^Cannot find (?:module|package) '((?:@[\w.-]+\/)?[\w.-]+)'/.exec(message)?.[1];
  return name === undefined
    ? message
    : `the package ${name} cannot be loaded. Install it: npm install ${name}`;
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ');
}
