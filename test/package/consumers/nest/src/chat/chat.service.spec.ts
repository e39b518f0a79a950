import { Test } from '@nestjs/testing';
import { ModuleMocker } from 'jest-mock';
import { lastValueFrom, toArray } from 'rxjs';
import { ChatController } from './chat.controller';
import { ChatDto } from './chat.dto';
import { ChatService } from './chat.service';
import { Model } from './model';

const chat = (content: string): ChatDto =>
  Object.assign(new ChatDto(), { messages: [{ role: 'user', content }] });

describe('ChatService', () => {
  let service: ChatService;
  let controller: ChatController;

  // Where no Phospho was made, decorated methods do nothing but what they did before.
  beforeEach(async () => {
    const module = await Test.createTestingModule({
      controllers: [ChatController],
      providers: [ChatService, Model],
    })
      .overrideProvider(Model)
      .useValue({ complete: async (question: string) => `about ${question}: yes` })
      .compile();
    service = module.get(ChatService);
    controller = module.get(ChatController);
  });

  it('asks the model that it is given', async () => {
    expect(await service.answer('chains', ['a', 'b'])).toBe('about chains: yes (a,b)');
    expect(await lastValueFrom(service.told('chains').pipe(toArray()))).toEqual([
      'about',
      ' chains:',
      ' yes',
    ]);
  });

  it('can be spied on, and is called all the same', async () => {
    const find = jest.spyOn(service, 'find');
    const answer = jest.spyOn(ChatService.prototype, 'answer');
    try {
      expect(await controller.chat(chat('chains'))).toEqual({
        content: 'about chains: yes (page about chains)',
      });
      expect(find).toHaveBeenCalledWith('chains');
      expect(answer).toHaveBeenCalledWith('chains', ['page about chains']);
      await expect(answer.mock.results[0]?.value).resolves.toMatch('about chains');
    } finally {
      answer.mockRestore();
    }
  });

  it('can be mocked', async () => {
    jest.spyOn(service, 'find').mockResolvedValue([]);
    jest.spyOn(service, 'answer').mockRejectedValueOnce(new Error('the model is down'));
    await expect(controller.chat(chat('chains'))).rejects.toThrow('the model is down');
    expect(await controller.chat(chat('chains'))).toEqual({ content: 'about chains: yes ()' });
  });

  it('can be mocked by its metadata', async () => {
    const mocker = new ModuleMocker(globalThis);
    const module = await Test.createTestingModule({ controllers: [ChatController] })
      .useMocker((token) => {
        const metadata = typeof token === 'function' && mocker.getMetadata(token);
        if (!metadata) throw new Error(`no mock for ${String(token)}`);
        const Mock = mocker.generateFromMetadata(metadata) as unknown as new () => object;
        return new Mock();
      })
      .compile();
    const mocked = module.get<jest.Mocked<ChatService>>(ChatService);
    mocked.find.mockResolvedValue(['a page']);
    mocked.answer.mockResolvedValue('mocked');
    expect(await module.get(ChatController).chat(chat('chains'))).toEqual({ content: 'mocked' });
    expect(mocked.answer).toHaveBeenCalledWith('chains', ['a page']);
  });
});
