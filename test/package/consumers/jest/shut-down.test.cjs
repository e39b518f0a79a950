const { chatAndFlag, phospho } = require('./app.cjs');

test('answers', chatAndFlag);

afterAll(async () => {
  const { events, flags } = await phospho.shutdown();
  if (events.delivered + flags.delivered !== 2) throw new Error(JSON.stringify({ events, flags }));
});
