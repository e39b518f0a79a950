import { Injectable, NotFoundException } from '@nestjs/common';
import { logTask } from 'phospho-express';
import { concatMap, defer, from, type Observable } from 'rxjs';
import { Model } from './model';

@Injectable()
export class ChatService {
  constructor(private readonly model: Model) {}

  @logTask()
  async find(question: string): Promise<string[]> {
    await null;
    if (question === 'nothing') throw new NotFoundException('there is no such bike');
    return [`page about ${question}`];
  }

  @logTask<ChatService['answer']>({
    metadata: (_question, sources) => ({ sources: sources.length }),
  })
  async answer(question: string, sources: string[]): Promise<string> {
    return `${await this.model.complete(question)} (${sources.join()})`;
  }

  @logTask()
  async *words(question: string): AsyncGenerator<string> {
    for (const word of (await this.model.complete(question)).split(' ')) yield `${word} `;
  }

  /** Asks the model once somebody subscribes. */
  @logTask()
  told(question: string): Observable<string> {
    return defer(() => this.model.complete(question)).pipe(
      concatMap((answer) => from(answer.split(/(?= )/))),
    );
  }
}
