import { setTimeout } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Stands for a language model. */
@Injectable()
export class Model {
  async complete(question: string): Promise<string> {
    await setTimeout(1 + Math.random() * 10);
    return `You said: ${question}`;
  }
}
