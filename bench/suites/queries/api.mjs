/** Calls of the API, by name. The ids are of tasks that are stored first. */
export function apiCalls({ baseUrl, projectId, apiKey }) {
  const call = (path, body) => ({
    url: `${baseUrl}${path}`,
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  const project = `/projects/${projectId}`;
  const now = Math.floor(Date.now() / 1000);
  const lastDay = { created_at_start: now - 86_400 };
  const tasks = (filters, limit = 100) => call(`${project}/tasks`, { filters, limit });
  return Object.fromEntries(
    Object.entries({
      'one task': call('/tasks/s0_5000'),
      'one session': call('/sessions/s0_session_100'),
      'a session, its tasks': call('/sessions/s0_session_100/tasks'),
      'a session, transcript': call('/sessions/s0_session_100/transcript'),
      'tasks, newest 100': tasks({}),
      'tasks, newest 1000': tasks({}, 1000),
      'tasks, one user': tasks({ user_id: 'user_7' }),
      'tasks, judged bad on the last day': tasks({ flag: 'failure', ...lastDay }),
      'tasks, by a key of their metadata': tasks({ metadata: { route: '/api/search' } }),
      'tasks, by metadata that is nowhere': tasks({ metadata: { route: '/nowhere' }, ...lastDay }),
      'tasks, last of their sessions': tasks({ is_last_task: true }),
      'sessions, newest 100': call(`${project}/sessions?limit=100`),
      'sessions, of one user': call(`${project}/sessions`, {
        filters: { user_id: 'user_7' },
        limit: 100,
      }),
      'tasks flat, 100 with sessions': call(`${project}/tasks/flat`, {
        limit: 100,
        with_sessions: true,
      }),
    }).map(([name, init]) => [`api: ${name}`, init]),
  );
}
