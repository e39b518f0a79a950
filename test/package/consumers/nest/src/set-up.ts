import { type INestApplication, ValidationPipe } from '@nestjs/common';
import { Phospho } from 'phospho-express';

/** What main.ts and the tests do to the app alike. Nest adds its body parsers after it. */
export function setUp(app: INestApplication): void {
  const phospho = app.get(Phospho);
  app.use(phospho.router());
  app.use(phospho.middleware());
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
}
