import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Phospho } from 'phospho-express';

@Global()
@Module({
  providers: [{ provide: Phospho, useFactory: () => new Phospho() }],
  exports: [Phospho],
})
export class PhosphoModule implements OnApplicationShutdown {
  constructor(private readonly phospho: Phospho) {}

  /** Nest calls it after the HTTP server has closed: all answers have been given. */
  async onApplicationShutdown(): Promise<void> {
    await this.phospho.shutdown();
  }
}
