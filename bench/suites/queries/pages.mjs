/** What the dashboard's pages ask for, by name. */
export function pageCalls({ url, projectId, cookie }) {
  const pages = {
    'overview, 24 hours': overview(24, 3600),
    'overview, 30 days': overview(30, 86_400),
    'overview, 90 days': overview(90, 86_400),
    'tasks, newest': 'tasks',
    'tasks, judged bad': 'tasks?flag=failure',
    'tasks, one user': 'tasks?user=user_7',
    'tasks, a route that is not there': 'tasks?route=/nowhere',
    'search, a common word': 'tasks?q=to',
    'search, a beginning': 'tasks?q=sha',
    'search, two words': 'tasks?q=mi%20kato',
    'search, a rare word': 'tasks?q=alreshasu',
    'search, no match': 'tasks?q=zzzqq',
    'search, no match, with filters': 'tasks?q=zzzqq&route=/api/chat&flag=none',
    sessions: 'sessions',
    choices: 'choices',
  };
  return Object.fromEntries(
    Object.entries(pages).map(([name, path]) => [
      `page: ${name}`,
      { url: `${url}/dashboard/api/projects/${projectId}/${path}`, headers: { cookie } },
    ]),
  );
}

function overview(columns, seconds) {
  const to = Math.ceil(Date.now() / 3_600_000) * 3600;
  const starts = Array.from({ length: columns }, (_, index) => to - (columns - index) * seconds);
  return `overview?starts=${starts}&to=${to}`;
}
