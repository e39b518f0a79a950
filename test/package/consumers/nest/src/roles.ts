import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';

const ROLES = 'roles';

export const Roles = (...roles: string[]) => SetMetadata(ROLES, roles);

/** Lets a request in if its `x-role` header is one of the handler's roles, or the handler names none. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.get<string[] | undefined>(ROLES, context.getHandler());
    const { headers } = context.switchToHttp().getRequest<Request>();
    return roles === undefined || roles.includes(String(headers['x-role']));
  }
}
