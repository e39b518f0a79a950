import 'reflect-metadata';
import { type CallOptions, logTask } from 'phospho-express';

/*
 * The same source in `legacy/` and `standard/`: each folder's tsconfig.json makes it the one dialect or
 * the other.
 */

/** What the compiler handed to a decorator. */
export const handed: unknown[][] = [];

function probe(...args: unknown[]): void {
  handed.push(args);
}

export class Probed {
  @probe
  method(): void {}
}

export class Desk {
  greeting = 'Hello';
  runs = 0;
  produced = 0;

  @logTask()
  greet(name: string): string {
    this.runs += 1;
    return `${this.greeting}, ${name}`;
  }

  @logTask()
  async ask(question: string): Promise<string> {
    this.runs += 1;
    return `${this.greeting}: ${question}`;
  }

  @logTask()
  *list(...texts: string[]): Generator<string, number, string | undefined> {
    this.runs += 1;
    for (const text of texts) {
      this.produced += 1;
      yield text;
    }
    return texts.length;
  }

  @logTask()
  async *stream(...texts: string[]): AsyncGenerator<string, void, undefined> {
    this.runs += 1;
    for (const text of texts) {
      this.produced += 1;
      yield text;
    }
  }

  @logTask()
  static sum(a: number, b: number): number {
    return a + b;
  }

  /** Whatever a test wants a decorated method to do. */
  @logTask({ capture: 'output' })
  run<T>(work: (self: this) => T): T {
    this.runs += 1;
    return work(this);
  }

  @logTask({ as: 'task', capture: 'output' })
  apart<T>(work: () => T): T {
    return work();
  }

  /** Whatever a test wants it to be given. */
  @logTask()
  take(...args: unknown[]): number {
    this.runs += 1;
    return args.length;
  }

  /** As an agent does with its messages. */
  @logTask()
  async converse(messages: { role: string; content: string }[]): Promise<string> {
    messages.push({ role: 'assistant', content: 'an answer' });
    messages.push({ role: 'user', content: 'a later question' });
    return 'an answer';
  }
}

export class Annex extends Desk {
  override greeting = 'Welcome';
}

/** A method that hands out what it is given, and says that it ran. */
export class Source {
  label = 'own';

  @logTask({ name: 'hand', capture: 'output' })
  hand<T>(make: (label: string) => T, _more?: unknown): T {
    return make(this.label);
  }

  @logTask({ name: 'hand', capture: 'output' })
  static hand<T>(make: (label: string) => T, _more?: unknown): T {
    return make(this.name);
  }
}

export class Heir extends Source {
  override label = 'heir';
}

/** The same, without the decorator. */
export class BareSource {
  label = 'own';

  hand<T>(make: (label: string) => T, _more?: unknown): T {
    return make(this.label);
  }
}

/** An object of a class whose one method is decorated with these options. */
export function deskWith(options: CallOptions): {
  answer(question: string, chat: string): Promise<string>;
  tell(...texts: string[]): AsyncGenerator<string>;
} {
  class Custom {
    @logTask(options)
    async answer(question: string, _chat: string): Promise<string> {
      return `re: ${question}`;
    }

    @logTask(options)
    async *tell(...texts: string[]): AsyncGenerator<string> {
      yield* texts;
    }
  }
  return new Custom();
}

/** As NestJS' SetMetadata: stores something on the function that it finds. */
function tag(key: string, value: unknown): (...args: unknown[]) => void {
  return (first, _key, descriptor) => {
    const method = descriptor ? (descriptor as PropertyDescriptor).value : first;
    Reflect.defineMetadata(key, value, method);
    (method as { [key: string]: unknown })[key] = value;
  };
}

export class Guarded {
  @tag('above', ['admin'])
  @logTask({ name: 'guarded' })
  @tag('below', ['owner'])
  enter(_who: string, _why?: string): void {}
}

// biome-ignore lint/suspicious/noExplicitAny: what the compiler refuses is written on purpose here
const careless: any = logTask;

/** Each defines a class that uses the decorator wrongly. */
export const misuses: { [on: string]: () => unknown } = {
  class: () => {
    @careless()
    class Wrong {}
    return Wrong;
  },
  getter: () => {
    class Wrong {
      @careless()
      get value(): number {
        return 1;
      }
    }
    return Wrong;
  },
  'static getter': () => {
    class Wrong {
      own = 1;

      @careless()
      static get value(): number {
        return 1;
      }
    }
    return Wrong;
  },
  setter: () => {
    class Wrong {
      @careless()
      set value(_value: number) {}
    }
    return Wrong;
  },
  field: () => {
    class Wrong {
      @careless()
      value = (): number => 1;
    }
    return new Wrong();
  },
  'static field': () => {
    class Wrong {
      own = 1;

      @careless()
      static value = (): number => 1;
    }
    return Wrong;
  },
};

/** Each uses it without parentheses. */
export const bare: { [on: string]: () => unknown } = {
  method: () => {
    class Wrong {
      @careless
      method(): void {}
    }
    return Wrong;
  },
  'static method': () => {
    class Wrong {
      own = 1;

      @careless
      static method(): void {}
    }
    return Wrong;
  },
  class: () => {
    @careless
    class Wrong {}
    return Wrong;
  },
  field: () => {
    class Wrong {
      @careless
      value = 1;
    }
    return new Wrong();
  },
  getter: () => {
    class Wrong {
      @careless
      get value(): number {
        return 1;
      }
    }
    return Wrong;
  },
};
