import type { ComponentChildren } from 'preact';
import type { ApiError } from '../data/api.ts';
import type { Resource } from '../data/use-resource.ts';
import { Icon } from './icon.tsx';

export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function ErrorState({
  error,
  retry,
  children,
}: {
  error: ApiError;
  retry: () => void;
  /** What else one may do. */
  children?: ComponentChildren;
}) {
  return (
    <div class="empty" role="alert">
      <Icon name="alert" size={20} />
      <p class="empty-title">{errorTitle(error)}</p>
      {error.status !== 0 && <p class="muted">{error.message}</p>}
      <button type="button" class="button" onClick={retry}>
        Try again
      </button>
      {children}
    </div>
  );
}

/** Above data that is still shown, although asking for newer failed. */
export function RefreshError<T>({ resource }: { resource: Resource<T> }) {
  if (resource.error === undefined || resource.data === undefined) return null;
  return (
    <div class="notice warning" role="status">
      <Icon name="alert" />
      <span>This may be out of date. {errorTitle(resource.error)}.</span>
      <button type="button" class="link-button" onClick={resource.refresh}>
        Try again
      </button>
    </div>
  );
}

/** A page of one thing, as long as it is not shown: gone, failed, or on its way; above it, where it may be old. */
export function DetailStates<T>({
  resource,
  name,
  listHref,
}: {
  resource: Resource<T>;
  /** What it is, e.g. `task`. */
  name: string;
  /** The page of all of them. */
  listHref: string;
}) {
  const { data, error, refresh } = resource;
  if (isGone(resource)) {
    return (
      <EmptyState title={`This ${name} is not here (any more)`}>
        <a class="button" href={listHref}>
          All {name}s
        </a>
      </EmptyState>
    );
  }
  if (data !== undefined) return <RefreshError resource={resource} />;
  if (error !== undefined) return <ErrorState error={error} retry={refresh} />;
  return <Skeleton lines={4} kind="block" />;
}

/** It may have been here before: what is deleted is not shown any more. */
export function isGone({ error }: { error: ApiError | undefined }): boolean {
  return error?.status === 404;
}

export function Skeleton({ lines, kind = 'line' }: { lines: number; kind?: string }) {
  return (
    <div class={`skeletons ${kind}`} role="status">
      <span class="visually-hidden">Loading…</span>
      {Array.from({ length: lines }, (_, index) => (
        <div class="skeleton" key={index} />
      ))}
    </div>
  );
}

function errorTitle({ status }: ApiError): string {
  if (status === 0) return 'The collector does not answer';
  if (status === 429) return 'Too many requests, wait a moment';
  return status >= 500 ? 'The collector failed to answer' : 'The collector refused this request';
}
