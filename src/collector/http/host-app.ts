import type { RequestHandler } from 'express';

/**
 * In an app whose middleware records exchanges, the collector's own are none: what is recorded is sent here, and
 * would be recorded again without end.
 */
export const notRecorded: RequestHandler = (req, _res, next) => {
  const { phospho } = req as { phospho?: { skip?: () => void } };
  phospho?.skip?.();
  next();
};
