import {
  Body,
  Controller,
  DefaultValuePipe,
  Get,
  HttpCode,
  type MessageEvent,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Res,
  Sse,
  UseGuards,
} from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import { logTask } from 'phospho-express';
import { map, type Observable } from 'rxjs';
import { Roles, RolesGuard } from '../roles';
import { AnswerDto, ChatDto } from './chat.dto';
import { ChatService } from './chat.service';

@Controller('chat')
@UseGuards(RolesGuard)
export class ChatController {
  constructor(private readonly service: ChatService) {}

  @Post()
  @HttpCode(200)
  @Roles('customer')
  @ApiOperation({ summary: 'Ask the desk' })
  @ApiResponse({ status: 200, type: AnswerDto })
  async chat(@Body() chat: ChatDto): Promise<AnswerDto> {
    const question = chat.question();
    const sources = await this.service.find(question);
    return { content: await this.service.answer(question, sources) };
  }

  /** Its own step above the service's, since it is decorated too. */
  @logTask()
  @Post('of/:shop')
  @Roles('customer')
  @ApiBody({ type: ChatDto })
  async chatOf(
    @Param('shop', ParseIntPipe) shop: number,
    @Body() chat: ChatDto,
    @Query('limit', new DefaultValuePipe(3), ParseIntPipe) limit: number,
  ): Promise<AnswerDto> {
    const sources = await this.service.find(chat.question());
    const content = await this.service.answer(chat.question(), sources.slice(0, limit));
    return { content: `${content} in shop ${shop}` };
  }

  @Post('stream')
  async stream(@Body() chat: ChatDto, @Res() response: Response): Promise<void> {
    response.type('text/plain');
    for await (const word of this.service.words(chat.question())) response.write(word);
    response.end();
  }

  @Sse('events')
  @logTask()
  events(@Query('question') question: string): Observable<MessageEvent> {
    return this.service.told(question).pipe(map((content) => ({ data: { content } })));
  }

  @Get('hours')
  hours(): string {
    return 'from nine to five';
  }
}
