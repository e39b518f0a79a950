import { AsyncLocalStorage } from 'node:async_hooks';
import { type LogEvent, logTask, Phospho, wrap } from 'phospho-express';
import { InMemoryExporter, isBalanced } from 'phospho-express/testing';
import {
  BehaviorSubject,
  catchError,
  concat,
  config,
  defer,
  EMPTY,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  range,
  retry,
  Subject,
  share,
  switchMap,
  take,
  throwError,
  timer,
  toArray,
} from 'rxjs';
import { outline } from './recorded-app';

const exporter = new InMemoryExporter();
const phospho = new Phospho({ exporter });

async function events(): Promise<LogEvent[]> {
  expect(isBalanced(await phospho.flush())).toBe(true);
  const { events } = exporter;
  exporter.reset();
  return events;
}

class Feed {
  @logTask()
  of<T>(source: Observable<T>): Observable<T> {
    return source;
  }

  @logTask()
  async later<T>(source: Observable<T>): Promise<Observable<T>> {
    return source;
  }

  @logTask<Feed['words']>({
    output: (words) => (typeof words === 'string' ? words.toUpperCase() : words.length),
  })
  words(...words: string[]): Observable<string> {
    return from(words);
  }

  @logTask()
  async look(word: string): Promise<string> {
    return word.toUpperCase();
  }
}

const feed = new Feed();

/** An Observable that counts who subscribes, and who leaves. */
function counted<T>(source: Observable<T>) {
  const counts = { subscribed: 0, left: 0 };
  const observable = new Observable<T>((subscriber) => {
    counts.subscribed += 1;
    const subscription = source.subscribe(subscriber);
    return () => {
      counts.left += 1;
      subscription.unsubscribe();
    };
  });
  return { observable, counts };
}

const outcomes = (all: LogEvent[]) => all.map(({ metadata }) => metadata?.outcome);

afterAll(() => phospho.shutdown());

describe('an Observable that a decorated method returns', () => {
  it('is the same object, and nobody has subscribed to it', async () => {
    const { observable, counts } = counted(of(1));
    expect(feed.of(observable)).toBe(observable);
    expect(await feed.later(observable)).toBe(observable);
    expect(counts.subscribed).toBe(0);
    expect(await lastValueFrom(observable)).toBe(1);
    expect(counts).toEqual({ subscribed: 1, left: 1 });
    expect((await events()).map(({ output }) => output)).toEqual(['1', '1']);
  });

  it('is recorded as it tells its values: texts as one, objects as a list, one as itself', async () => {
    expect(await lastValueFrom(feed.of(from(['a ', 'b'])).pipe(toArray()))).toEqual(['a ', 'b']);
    await lastValueFrom(feed.of(from([{ n: 1 }, { n: 2 }])));
    await lastValueFrom(feed.of(of({ content: 'all of it' })));
    await lastValueFrom(feed.of(EMPTY), { defaultValue: undefined });
    const all = await events();
    expect(all.map(({ output }) => output)).toEqual(['a b', '[{"n":1},{"n":2}]', 'all of it', '']);
    expect(outcomes(all)).toEqual(Array(4).fill('complete'));
    expect(all[0]?.metadata?.time_to_first_token_ms).toEqual(expect.any(Number));
  });

  it('gives an output hook its value, or the list of its values', async () => {
    await lastValueFrom(feed.words('a', 'b', 'c'));
    await lastValueFrom(feed.words('a'));
    expect((await events()).map(({ output }) => output)).toEqual(['3', 'A']);
  });

  it.each([
    [
      'functions',
      (o: Observable<string>, told: string[]) => {
        o.subscribe(
          (value) => told.push(value),
          (error: Error) => told.push(error.message),
        );
      },
    ],
    [
      'an observer',
      (o: Observable<string>, told: string[]) => {
        class Observer {
          next(value: string) {
            this.tell(value);
          }
          error(error: Error) {
            this.tell(error.message);
          }
          private tell(text: string) {
            told.push(text);
          }
        }
        o.subscribe(new Observer());
      },
    ],
    [
      'a Subject',
      (o: Observable<string>, told: string[]) => {
        const subject = new Subject<string>();
        subject.subscribe({ next: (v) => told.push(v), error: (e: Error) => told.push(e.message) });
        o.subscribe(subject);
      },
    ],
    [
      'operators',
      (o: Observable<string>, told: string[]) => {
        o.pipe(
          map((value) => value),
          catchError((error: Error) => of(error.message)),
        ).subscribe((value) => told.push(value));
      },
    ],
  ])('tells its values and its error to %s', async (_kind, subscribe) => {
    const failing = concat(
      of('a', 'b'),
      throwError(() => new Error('gone')),
    );
    const told: string[] = [];
    subscribe(feed.of(failing), told);
    expect(told).toEqual(['a', 'b', 'gone']);
    expect(await events()).toMatchObject([
      { output: 'ab', metadata: { outcome: 'error', error: 'Error: gone' } },
    ]);
  });

  it('fails as loudly as before where nobody handles its error', async () => {
    const unhandled = new Promise((resolve) => {
      config.onUnhandledError = resolve;
    });
    const error = new Error('nobody listens');
    feed.of(throwError(() => error)).subscribe();
    expect(await unhandled).toBe(error);
    config.onUnhandledError = null;
    expect(outcomes(await events())).toEqual(['error']);
  });

  it('is complete once its reader has what it wanted, and left at once', async () => {
    const { observable, counts } = counted(range(0, Number.MAX_SAFE_INTEGER));
    expect(await lastValueFrom(feed.of(observable).pipe(take(2), toArray()))).toEqual([0, 1]);
    expect(counts).toEqual({ subscribed: 1, left: 1 });
    expect(await firstValueFrom(feed.of(interval(1)))).toBe(0);
    const all = await events();
    expect(all.map(({ output }) => output)).toEqual(['[0,1]', '0']);
    expect(outcomes(all)).toEqual(['complete', 'complete']);
  });

  it('is aborted where its reader leaves before the end', async () => {
    const subject = new Subject<string>();
    const { observable, counts } = counted(subject);
    const subscription = feed.of(observable).subscribe();
    subject.next('half ');
    subscription.unsubscribe();
    expect(subscription.closed).toBe(true);
    subject.next('never heard');
    expect(counts.left).toBe(1);
    feed.of(NEVER).pipe(take(1)).subscribe().unsubscribe();
    const all = await events();
    expect(all.map(({ output }) => output)).toEqual(['half ', '']);
    expect(outcomes(all)).toEqual(['aborted', 'aborted']);
  });

  it('is recorded once a call, however often it is subscribed to', async () => {
    const { observable, counts } = counted(from(['a', 'b']));
    const cold = feed.of(observable);
    await lastValueFrom(cold);
    await lastValueFrom(cold);
    expect(counts.subscribed).toBe(2);
    expect((await events()).map(({ output }) => output)).toEqual(['ab']);
    await lastValueFrom(feed.of(observable));
    expect((await events()).map(({ output }) => output)).toEqual(['ab']);
  });

  it('can be a Subject that many calls hand out, and stays one', async () => {
    const news = new BehaviorSubject('old');
    const first = feed.of(news);
    const heard: string[] = [];
    first.subscribe((value) => heard.push(value));
    const second = feed.of(news);
    second.subscribe((value) => heard.push(value));
    (first as BehaviorSubject<string>).next('new');
    expect(news.value).toBe('new');
    news.complete();
    expect(heard).toEqual(['old', 'old', 'new', 'new']);
    expect((await events()).map(({ output }) => output)).toEqual(['oldnew', 'oldnew']);
  });

  it('can be shared, retried and switched away from', async () => {
    let tries = 0;
    const flaky = defer(() => (++tries < 3 ? throwError(() => new Error('again')) : of('at last')));
    expect(await lastValueFrom(feed.of(flaky).pipe(retry(5)))).toBe('at last');
    const shared = feed.of(timer(1).pipe(map(() => 'tick'))).pipe(share());
    expect(await Promise.all([lastValueFrom(shared), lastValueFrom(shared)])).toEqual([
      'tick',
      'tick',
    ]);
    const last = of('first', 'second').pipe(
      switchMap((name) => feed.of(timer(1).pipe(map(() => name)))),
    );
    expect(await lastValueFrom(last)).toBe('second');
    const all = await events();
    expect(outcomes(all)).toEqual(['error', 'complete', 'aborted', 'complete']);
  });

  it('has what it runs as steps, and what its subscriber runs beside it', async () => {
    const all = defer(() => feed.look('inside'));
    const turn = wrap(
      () => lastValueFrom(feed.of(all).pipe(mergeMap((word) => feed.look(`${word} outside`)))),
      { name: 'turn' },
    );
    expect(await turn()).toBe('INSIDE OUTSIDE');
    const [event] = await events();
    expect(outline(event ?? {})).toBe('Feed.of(Feed.look) Feed.look');
  });

  it("keeps the app's own context, of whoever tells a value", async () => {
    const storage = new AsyncLocalStorage<string>();
    const subject = new Subject<void>();
    const seen: unknown[] = [];
    storage.run('subscriber', () =>
      feed.of(subject).subscribe(() => seen.push(storage.getStore())),
    );
    storage.run('teller', () => subject.next());
    storage.run('subscriber', () => feed.of(of(1)).subscribe(() => seen.push(storage.getStore())));
    expect(seen).toEqual(['teller', 'subscriber']);
    subject.complete();
    await events();
  });

  it('of which nothing can be covered is returned all the same', async () => {
    const frozen = Object.freeze(of('a'));
    expect(await lastValueFrom(feed.of(frozen))).toBe('a');
    expect(outcomes(await events())).toEqual(['complete']);
  });
});
