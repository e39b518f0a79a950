import { Module } from '@nestjs/common';
import { ChatController } from './chat/chat.controller';
import { ChatService } from './chat/chat.service';
import { Model } from './chat/model';
import { PhosphoModule } from './phospho.module';

@Module({
  imports: [PhosphoModule],
  controllers: [ChatController],
  providers: [ChatService, Model],
})
export class AppModule {}
