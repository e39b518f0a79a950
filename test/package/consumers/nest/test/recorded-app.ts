import type { ModuleMetadata } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { type LogEvent, Phospho, type Step } from 'phospho-express';
import { InMemoryExporter, isBalanced } from 'phospho-express/testing';
import { PhosphoModule } from '../src/phospho.module';
import { setUp } from '../src/set-up';

/** An app as main.ts makes it, whose tasks stay in memory. */
export interface RecordedApp {
  app: NestExpressApplication;
  /** What has been recorded since the last call. */
  events(): Promise<LogEvent[]>;
}

const open: NestExpressApplication[] = [];

export async function recordedApp(
  { imports = [], ...metadata }: ModuleMetadata,
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
): Promise<RecordedApp> {
  const exporter = new InMemoryExporter();
  const phospho = new Phospho({
    exporter,
    feedback: { secret: 'of these tests, and of no use'.padEnd(32) },
  });
  const builder = Test.createTestingModule({ ...metadata, imports: [PhosphoModule, ...imports] });
  const module = await change(builder.overrideProvider(Phospho).useValue(phospho)).compile();
  const app = module.createNestApplication<NestExpressApplication>({ logger: false });
  setUp(app);
  await app.init();
  open.push(app);
  return {
    app,
    events: async () => {
      expect(isBalanced(await phospho.flush())).toBe(true);
      const { events } = exporter;
      exporter.reset();
      return events;
    },
  };
}

/** Shuts the Phospho down too: PhosphoModule sees to it. */
export async function closeApps(): Promise<void> {
  for (const app of open.splice(0)) await app.close();
}

/** A task's or step's steps as names in brackets: `a(b c(d))`. */
export function outline({ steps = [] }: { steps?: Step[] }): string {
  return steps
    .map((step) => (step.steps?.length ? `${step.name}(${outline(step)})` : step.name))
    .join(' ');
}
