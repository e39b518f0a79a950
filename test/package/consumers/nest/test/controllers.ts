import {
  Body,
  Controller,
  DefaultValuePipe,
  Get,
  Header,
  HttpCode,
  Param,
  ParseIntPipe,
  Post,
  Query,
  SetMetadata,
  UseGuards,
  ValidationPipe,
} from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { logTask } from 'phospho-express';
import { AnswerDto, ChatDto } from '../src/chat/chat.dto';
import { Roles, RolesGuard } from '../src/roles';

export type Record = typeof logTask;

/** What a controller is without us. */
export const unrecorded: Record = () =>
  ((_target: object, _key: string, descriptor: object) => descriptor) as ReturnType<Record>;

/** As `@OnEvent` and `@UseGuards` do it: a list on the function that grows. */
const Listens =
  (event: string): MethodDecorator =>
  (_target, _key, descriptor) => {
    const fn = descriptor.value as object;
    Reflect.defineMetadata('listens', [...(Reflect.getMetadata('listens', fn) ?? []), event], fn);
  };

/** As `@Throttle` does it: on the class, by the method's key. */
const Throttled =
  (limit: number): MethodDecorator =>
  (target, key) =>
    Reflect.defineMetadata('throttled', limit, target, key);

/** As a decorator of somebody else wraps a method: a new function, with the metadata of the one within. */
const Retried = (): MethodDecorator => (_target, _key, descriptor) => {
  const inner = descriptor.value as unknown as (...args: unknown[]) => unknown;
  const outer = function (this: unknown, ...args: unknown[]): unknown {
    return inner.apply(this, args);
  };
  for (const key of Reflect.getMetadataKeys(inner)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inner), outer);
  }
  descriptor.value = outer as never;
};

/** The same controllers with whatever decorator, above all others, below them, and among them. */
export function define(record: Record) {
  @ApiTags('above')
  @Controller('above')
  @UseGuards(RolesGuard)
  class Above {
    @record()
    @Post(':shop')
    @HttpCode(202)
    @Roles('owner')
    @Header('x-shop', 'open')
    @ApiOperation({ summary: 'Ask', deprecated: true })
    @ApiHeader({ name: 'x-role' })
    @ApiBody({ type: ChatDto })
    @ApiResponse({ status: 202, type: AnswerDto })
    @SetMetadata('microservices:pattern', [{ cmd: 'ask' }])
    @SetMetadata('SCHEDULE_CRON_OPTIONS', { cronTime: '* * * * *' })
    @Listens('first')
    @Listens('second')
    @Throttled(3)
    async ask(
      @Param('shop', ParseIntPipe) shop: number,
      @Body(new ValidationPipe({ transform: true })) chat: ChatDto,
      @Query('limit', new DefaultValuePipe(3), ParseIntPipe) limit: number,
    ): Promise<AnswerDto> {
      return { content: `${typeof shop} ${chat instanceof ChatDto} ${chat.question()} ${limit}` };
    }

    @record()
    @Get('open')
    free(): string {
      return 'anybody';
    }
  }

  @ApiTags('below')
  @Controller('below')
  @UseGuards(RolesGuard)
  class Below {
    @Post(':shop')
    @HttpCode(202)
    @Roles('owner')
    @Header('x-shop', 'open')
    @ApiOperation({ summary: 'Ask', deprecated: true })
    @ApiHeader({ name: 'x-role' })
    @ApiBody({ type: ChatDto })
    @ApiResponse({ status: 202, type: AnswerDto })
    @SetMetadata('microservices:pattern', [{ cmd: 'ask' }])
    @SetMetadata('SCHEDULE_CRON_OPTIONS', { cronTime: '* * * * *' })
    @Listens('first')
    @Listens('second')
    @Throttled(3)
    @record()
    async ask(
      @Param('shop', ParseIntPipe) shop: number,
      @Body(new ValidationPipe({ transform: true })) chat: ChatDto,
      @Query('limit', new DefaultValuePipe(3), ParseIntPipe) limit: number,
    ): Promise<AnswerDto> {
      return { content: `${typeof shop} ${chat instanceof ChatDto} ${chat.question()} ${limit}` };
    }

    @Get('open')
    @record()
    free(): string {
      return 'anybody';
    }
  }

  @ApiTags('between')
  @Controller('between')
  class Between {
    @UseGuards(RolesGuard)
    @Listens('first')
    @Retried()
    @record({ name: 'outer' })
    @Post(':shop')
    @Listens('second')
    @record({ name: 'inner' })
    @Roles('owner')
    @HttpCode(202)
    @Header('x-shop', 'open')
    async ask(
      @Param('shop', ParseIntPipe) shop: number,
      @Body() chat: ChatDto,
      @Query('limit', new DefaultValuePipe(3), ParseIntPipe) limit: number,
    ): Promise<AnswerDto> {
      return { content: `${typeof shop} ${chat instanceof ChatDto} ${chat.question()} ${limit}` };
    }
  }

  /** Inherits all of it. */
  @Controller('heir')
  class Heir extends Above {}

  /** Says anew what the method needs, as Nest wants it, and asks the one above. */
  @Controller('overriding')
  class Overriding extends Below {
    @record()
    @Post(':shop')
    @HttpCode(202)
    @Roles('owner')
    @Header('x-shop', 'open')
    override async ask(
      @Param('shop', ParseIntPipe) shop: number,
      @Body() chat: ChatDto,
      @Query('limit', new DefaultValuePipe(3), ParseIntPipe) limit: number,
    ): Promise<AnswerDto> {
      return super.ask(shop, chat, limit);
    }
  }

  return { Above, Below, Between, Heir, Overriding };
}
