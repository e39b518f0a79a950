import { type BeforeApplicationShutdown, Global, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Phospho } from 'phospho-express';

@Global()
@Module({
  providers: [{ provide: Phospho, useFactory: () => new Phospho() }],
  exports: [Phospho],
})
export class PhosphoModule implements BeforeApplicationShutdown {
  constructor(
    private readonly phospho: Phospho,
    private readonly host: HttpAdapterHost,
  ) {}

  /** Answers under way end first, then their tasks are delivered. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.phospho.gracefulShutdown(this.host.httpAdapter.getHttpServer());
  }
}
