import { AsyncResource } from 'node:async_hooks';

/**
 * The async context in which it was made, to run in what must not hold on to a request's. It keeps nothing
 * alive, and says so: tools that look for open handles (Jest) would count it as one.
 */
export class Outside extends AsyncResource {
  hasRef(): boolean {
    return false;
  }
}
